/** What tells MySQL and MariaDB apart, and where a server's files are. Tests have servers of their own elsewhere. */
export interface MysqlFamily {
  readonly name: string
  /** The group of options that the server reads. */
  readonly optionGroup: string
  readonly socketPath: string
  readonly dataPath: string
  /** Files here are read in the order of their names, after the distribution's own. */
  readonly configDirectory: string
  readonly tlsDirectory: string
  /** The server's and the agent's own accounts, in small letters: users neither see nor change them. */
  readonly ownAccounts: readonly string[]
  /** Options under the configuration of the control plane, which may set them otherwise. */
  readonly defaults: (memoryMb: number) => readonly string[]
  /** Options over it: without them the agent or the machine would not work. */
  readonly fixed: readonly string[]
  /** MySQL's password log-in without TLS needs an RSA key; MariaDB has no such thing. */
  readonly rsaKeys: boolean
}

/** Names of the files that the agent writes into the configuration directory, in the order in which they are read. */
export const CONFIG_FILES = {
  defaults: 'zz-coffer-00-defaults.cnf',
  main: 'zz-coffer-10-main.cnf',
  overrides: 'zz-coffer-50-overrides.cnf',
  fixed: 'zz-coffer-90-fixed.cnf',
} as const

/** What the image says until there is an agent. */
export const IMAGE_CONFIG = 'zz-image.cnf'

/** The four files. @param texts rendered by the control plane */
export function configFiles(
  family: MysqlFamily,
  texts: { readonly memoryMb: number; readonly main: string; readonly overrides: string },
): readonly { readonly name: string; readonly content: string }[] {
  const own = (why: string, lines: readonly string[]) =>
    `# Written by Coffer's guest agent: ${why}\n[${family.optionGroup}]\n${lines.map((line) => `${line}\n`).join('')}`
  const tls = [
    `ssl_cert = ${family.tlsDirectory}/server-cert.pem`,
    `ssl_key = ${family.tlsDirectory}/server-key.pem`,
  ]
  const rsa = [
    `loose_caching_sha2_password_private_key_path = ${family.tlsDirectory}/private_key.pem`,
    `loose_caching_sha2_password_public_key_path = ${family.tlsDirectory}/public_key.pem`,
  ]
  return [
    {
      name: CONFIG_FILES.defaults,
      content: own('what holds unless the next files say otherwise.', family.defaults(texts.memoryMb)),
    },
    { name: CONFIG_FILES.main, content: withFinalNewline(texts.main) },
    { name: CONFIG_FILES.overrides, content: withFinalNewline(texts.overrides) },
    {
      name: CONFIG_FILES.fixed,
      content: own('what the guest itself depends on.', [
        `datadir = ${family.dataPath}`,
        `socket = ${family.socketPath}`,
        'bind_address = *',
        ...tls,
        ...(family.rsaKeys ? rsa : []),
        ...family.fixed,
      ]),
    },
  ]
}

const withFinalNewline = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
