import type { Served } from '../packages/pins.ts'
import type { Lock } from './lock.ts'
import type { Recorded } from './recorded.ts'

/** Whether a lock names all that a step of another build took, so that a build from the lock may take the step's result. */
export function namesAll(
  lock: Lock,
  taken: { readonly served: readonly Served[]; readonly recorded: readonly Recorded[] },
): boolean {
  const contents = new Set(
    [...lock.repositories, ...lock.indexes, ...lock.packages].map(({ sha256 }) => sha256),
  )
  return (
    taken.served.every(({ digest }) => digest === undefined || contents.has(digest)) &&
    taken.recorded.every((one) => names(lock, one))
  )
}

function names(lock: Lock, one: Recorded): boolean {
  if (one.kind === 'file') {
    return lock.downloads.some(({ url, sha256 }) => url === one.url && sha256 === one.sha256)
  }
  if (one.kind === 'source') {
    return lock.sources.some(({ name, revision }) => name === one.name && revision === one.revision)
  }
  const { distribution = one.distribution, release = one.release } = lock
  return distribution === one.distribution && release === one.release
}
