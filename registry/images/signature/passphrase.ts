import { CofferError, isErrno } from '../../../lib/errors.ts'
import { readRegularFile } from '../../../lib/regular-file.ts'

const MAX_BYTES = 4096

/** Name of the variable that may hold the passphrase of a signing key. */
export const PASSPHRASE_VARIABLE = 'COFFER_SIGNING_PASSPHRASE'

/**
 * The passphrase of a signing key: the first line of a file, else the variable's value. Never an argument: those can be seen.
 *
 * @param file of the command line
 * @throws CofferError PASSPHRASE_UNREADABLE
 */
export async function readPassphrase(
  env: Readonly<Record<string, string | undefined>>,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return env[PASSPHRASE_VARIABLE]
  const found = await readRegularFile(file, { maxBytes: MAX_BYTES }).catch((error: unknown) => {
    throw unreadable(file, isErrno(error) ? (error.code ?? '') : String(error))
  })
  const line = found?.bytes.toString('utf8').split(/\r?\n/)[0]
  if (line === undefined || line === '') throw unreadable(file, 'its first line should be the passphrase')
  return line
}

function unreadable(file: string, reason: string): CofferError {
  return new CofferError('PASSPHRASE_UNREADABLE', `The passphrase cannot be read from ${file}: ${reason}`, {
    hint: 'Put it into the first line of a file, or into COFFER_SIGNING_PASSPHRASE.',
  })
}
