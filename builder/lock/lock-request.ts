import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { BuildRequest } from '../request/request.ts'
import type { Lock } from './lock.ts'
import { refuseOtherBuild } from './locked-sources.ts'
import { readLock } from './parse-lock.ts'

/**
 * Checks what a request says about locks, and reads the one to build from.
 *
 * @throws CofferError `LOCK_OPTIONS_EXCLUSIVE`, `LOCK_NOT_WRITABLE`, `LOCK_OF_ANOTHER_BUILD`, and those of readLock
 */
export async function lockFor(request: BuildRequest): Promise<Lock | undefined> {
  const { lockTo, lockedFrom, callerEnv } = request
  if (lockTo !== undefined && lockedFrom !== undefined) {
    throw new CofferError('LOCK_OPTIONS_EXCLUSIVE', 'A build makes a lock or is made from one, not both', {
      hint: 'Give --lock to see what the archives have now, --locked to have what they had.',
    })
  }
  if (lockTo !== undefined) await checkLockPlace(lockTo)
  if (lockedFrom === undefined) return undefined
  const lock = await readLock(lockedFrom)
  refuseOtherBuild(lock, {
    distribution: callerEnv.DISTRO_NAME,
    release: callerEnv.DIB_RELEASE,
    architecture: request.arch,
  })
  return lock
}

/** Refuses a place where no lock can be written, before a build that would be for nothing. */
async function checkLockPlace(path: string): Promise<void> {
  const refuse = (why: string) =>
    new CofferError('LOCK_NOT_WRITABLE', `The lock ${path} cannot be written: ${why}`, {
      hint: 'Give --lock a file name in a directory that exists.',
    })
  try {
    const directory = dirname(path)
    if (!(await stat(directory)).isDirectory()) throw refuse(`${directory} is not a directory`)
    const there = await stat(path).catch(() => undefined)
    if (there !== undefined && !there.isFile()) throw refuse('it is not a file')
    const probe = join(directory, `.coffer-lock.${randomUUID()}`)
    await writeFile(probe, '', { flag: 'wx' })
    await rm(probe)
  } catch (error) {
    if (isErrno(error)) throw refuse(error.code === 'ENOENT' ? 'its directory does not exist' : error.message)
    throw error
  }
}
