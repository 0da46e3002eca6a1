/** Where a Redis server's files are. */
export interface RedisPlaces {
  readonly dataPath: string
  /** Files here are read in the order of their names, after everything else. */
  readonly configDirectory: string
  readonly socketPath: string
  readonly port: number
  /** The password of the agent's own account. */
  readonly secretFile: string
}

/** What the image says until there is an agent. */
export const IMAGE_CONFIG = 'zz-image.conf'

/**
 * The file with the accounts and their hashes. A file of its own kind: with accounts among the options, CONFIG REWRITE would
 * write them down a second time, and the server would not start again.
 */
export const ACCOUNTS_FILE = 'coffer-accounts.acl'

/** The files of the server, by name. Later ones win. */
export function serverFiles(
  places: RedisPlaces,
  texts: { readonly main: string; readonly overrides: string },
): readonly { readonly name: string; readonly content: string }[] {
  return [
    { name: 'zz-coffer-10-main.conf', content: `${texts.main}\n` },
    { name: 'zz-coffer-50-overrides.conf', content: `${texts.overrides}\n` },
    {
      name: 'zz-coffer-90-fixed.conf',
      content: [
        "# Written by Coffer's guest agent: what the guest itself depends on.",
        `dir ${places.dataPath}`,
        `aclfile ${places.configDirectory}/${ACCOUNTS_FILE}`,
        `port ${places.port}`,
        'bind * -::*',
        // Accounts protect this server; the mode would turn away clients while root is not enabled, with another word.
        'protected-mode no',
        `unixsocket ${places.socketPath}`,
        'unixsocketperm 700',
        '',
      ].join('\n'),
    },
  ]
}
