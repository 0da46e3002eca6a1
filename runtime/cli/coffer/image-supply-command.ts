import { type Command, InvalidArgumentError, Option } from 'commander'
import { SEVERITIES, type Severity } from '../../../registry/images/vulnerabilities/types.ts'

/** What an image is named by, for the commands that take files as well as what is stored. */
const IMAGE = 'an image file, or id, beginning of one, digest, or name of a stored one'

const passphraseFile = () =>
  new Option(
    '--passphrase-file <file>',
    "file whose first line is the key's passphrase (default: $COFFER_SIGNING_PASSPHRASE)",
  )

/**
 * The subcommands of `coffer image` about where an image comes from and what is in it.
 *
 * @param sub makes a subcommand
 * @param stateDir of the command line
 * @param done told the exit status
 */
export function supplyCommands(
  sub: (name: string, description: string) => Command,
  stateDir: () => string | undefined,
  done: (status: number) => void,
): void {
  sub('keygen', 'make a key pair to sign images with')
    .argument('<file>', 'the private key; the public one is FILE.pub')
    .addOption(passphraseFile())
    .action(async (file: string, options: { passphraseFile?: string }) => {
      const { makeKey } = await import('./image-signature.ts')
      done(await makeKey(file, options.passphraseFile))
    })
  sub('sign', 'sign an image with its record and SBOMs; its signatures by other keys stay')
    .argument('<image>', IMAGE)
    .requiredOption('--key <file>', 'private key of coffer image keygen')
    .addOption(passphraseFile())
    .action(async (word: string, options: { key: string; passphraseFile?: string }) => {
      const { sign } = await import('./image-signature.ts')
      done(await sign(stateDir(), word, options))
    })
  sub('verify', 'check the signature of an image and all that it covers; exit status 1 if anything differs')
    .argument('<image>', IMAGE)
    .option(
      '--key <file>',
      'public key, or directory of some; may repeat (default: trusted_image_keys)',
      repeated,
    )
    .option('--json', 'print JSON')
    .action(async (word: string, options: { key?: string[]; json?: true }) => {
      const { verify } = await import('./image-signature.ts')
      done(await verify(stateDir(), word, options))
    })
  sub('sbom', 'print the software bill of materials of an image')
    .argument('<image>', IMAGE)
    .addOption(new Option('--format <format>', 'SPDX 2.3 or CycloneDX 1.6').choices(FORMATS).default('spdx'))
    .action(async (word: string, { format }: { format: (typeof FORMATS)[number] }) => {
      const { printSbom } = await import('./image-sbom.ts')
      done(await printSbom(stateDir(), word, format))
    })
  sub('vuln', 'list known vulnerabilities; exit status 0: none is open, 1: some are, 2: there is no answer')
    .argument('<image>', IMAGE)
    .requiredOption('--data <file>', "JSON data of Debian's security tracker")
    .option(
      '--severity <list>',
      `urgencies that count: ${SEVERITIES.join(', ')} (default: all but the last)`,
      severities,
    )
    .option('--release <codename>', 'release of the image (default: what its record says)')
    .option('--json', 'print JSON')
    .action(
      async (
        word: string,
        options: { data: string; severity?: Severity[]; release?: string; json?: true },
      ) => {
        const { reportVulnerabilities } = await import('./image-vulnerabilities.ts')
        done(await reportVulnerabilities(stateDir(), word, options))
      },
    )
}

const FORMATS = ['spdx', 'cyclonedx'] as const

const repeated = (word: string, before: readonly string[] = []): string[] => [...before, word]

function severities(text: string): Severity[] {
  return text.split(',').map((word) => {
    const found = SEVERITIES.find((one) => one === word.trim())
    if (found === undefined) throw new InvalidArgumentError(`It is a list of ${SEVERITIES.join(', ')}.`)
    return found
  })
}
