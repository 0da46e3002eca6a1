import { CofferError } from '../../lib/errors.ts'
import { readRecord, recordDirectoryOf } from '../../registry/images/record-directory.ts'
import type { SigningKey } from '../../registry/images/signature/keys.ts'
import { PASSPHRASE_VARIABLE, readPassphrase } from '../../registry/images/signature/passphrase.ts'
import { readSigningKey } from '../../registry/images/signature/signing-key.ts'
import { callerOf } from '../output/index.ts'
import { writeSupplyChain } from '../output/supply-chain.ts'

/** What `--sign` and `--sign-passphrase-file` said. */
export interface SignRequest {
  readonly keyFile: string
  readonly passphraseFile: string | undefined
}

/**
 * The passphrase in the environment, which it leaves with this: no element, log or worker of a build is to see it, whether
 * or not the build signs.
 */
export function takePassphrase(env: NodeJS.ProcessEnv): string | undefined {
  const passphrase = env[PASSPHRASE_VARIABLE]
  delete env[PASSPHRASE_VARIABLE]
  return passphrase
}

/**
 * Opens the signing key before the build, so that a mistake costs no build.
 *
 * @throws CofferError as reading a key does
 */
export async function openSigningKey(
  request: SignRequest | undefined,
  env: NodeJS.ProcessEnv,
): Promise<SigningKey | undefined> {
  const passphrase = takePassphrase(env)
  if (request === undefined) return undefined
  const { keyFile, passphraseFile } = request
  return readSigningKey(keyFile, await readPassphrase({ [PASSPHRASE_VARIABLE]: passphrase }, passphraseFile))
}

/**
 * Signs what a build left: its outputs and their record.
 *
 * @param outputs paths of the output files
 * @throws CofferError BUILD_RECORD_MISSING, and what reading and writing the record throw
 */
export async function signBuilt(outputs: readonly string[], sign: SigningKey): Promise<void> {
  const [first] = outputs
  const directory = first === undefined ? undefined : recordDirectoryOf(first)
  const record = directory === undefined ? undefined : await readRecord(directory)
  if (directory === undefined || record === undefined) {
    throw new CofferError(
      'BUILD_RECORD_MISSING',
      'The build left no record beside an image, so there is nothing to sign',
      {
        hint: 'Types such as docker leave no file; add qcow2 to -t.',
      },
    )
  }
  const owner = callerOf(process.env)
  await writeSupplyChain({ directory, record, sign, ...(owner === undefined ? {} : { owner }) })
}
