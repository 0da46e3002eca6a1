import { lstat, stat } from 'node:fs/promises'
import { CofferError, isErrno } from '../../lib/errors.ts'

/**
 * Makes sure that nobody else could have laid something ready in the state directory, such as a secret key of their own or
 * a link in place of a file that we write. One that does not exist yet is made with rights for us alone.
 *
 * @param uid of this process
 * @throws CofferError STATE_DIR_UNSAFE when another account owns it or everybody may write in it
 */
export async function requireSafeStateDirectory(
  directory: string,
  uid: number = process.getuid?.() ?? 0,
): Promise<void> {
  try {
    // The link, if it is one, and what it leads to.
    const entries = [await lstat(directory), await stat(directory)]
    const foreign = entries.find((entry) => entry.uid !== uid && entry.uid !== 0)
    if (foreign !== undefined) {
      throw unsafe(`The state directory ${directory} belongs to another account (uid ${foreign.uid})`, uid)
    }
    if (entries.some((entry) => entry.isDirectory() && (entry.mode & 0o002) !== 0)) {
      throw unsafe(`Everybody may write in the state directory ${directory}`, uid)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

const unsafe = (what: string, uid: number) =>
  new CofferError('STATE_DIR_UNSAFE', what, {
    hint: `Whoever can write there can take the service over. Look who has been there, then chown it to uid ${uid} and chmod 700, or name another directory.`,
  })
