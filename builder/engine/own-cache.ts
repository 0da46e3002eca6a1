import { access, constants, mkdir } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'

/** The store of packages has its directories down to here. */
const DEPTH = 4

/**
 * Makes the cache's directory, and refuses one with files of root's in it when we are not root: a build through sudo leaves
 * them, and a download could be kept in some places and not in others.
 *
 * @throws CofferError `CACHE_OF_ROOT`, `CACHE_DIRECTORY_FAILED`
 */
export async function makeOwnCache(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new CofferError('CACHE_DIRECTORY_FAILED', `The cache ${directory} cannot be written`, {
      hint: 'Choose another directory with --image-cache, or make this one yours.',
      cause: error,
    })
  }
  if (process.getuid?.() === 0) return
  // Results of root's steps are no matter: they lie in a directory of their own.
  const others = ['-maxdepth', String(DEPTH), '-path', `${directory}/steps*`, '-prune', '-o', '-uid', '0']
  const found = await run(['find', directory, ...others, '-print', '-quit'], { check: false })
  const path = found.stdout.trim()
  if (path === '') return
  throw new CofferError(
    'CACHE_OF_ROOT',
    `${path} in the cache belongs to root, as a build with sudo leaves it`,
    {
      hint: `Take it over: sudo chown -R "$USER" ${directory}/packages; or choose another cache with --image-cache.`,
    },
  )
}
