import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CofferError } from '../../lib/errors.ts'

/**
 * Takes a lock that the kernel gives back when this process ends, however it ends: a lock is never stale. It is the lock
 * of an SQLite file, since that is how Node reaches the locks of fcntl(2).
 *
 * @returns gives the lock back
 * @throws CofferError STATE_LOCKED when another process has it
 */
export async function takeLock(file: string, what: string): Promise<() => void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!/locked|busy/i.test(String(error))) throw error
    throw new CofferError('STATE_LOCKED', `${what} runs already for this state directory`, {
      hint: 'See coffer status. Another one needs a state directory and ports of its own.',
      cause: error,
    })
  }
  return () => lock.close()
}
