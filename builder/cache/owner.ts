import { readlink, stat } from 'node:fs/promises'
import { systemClock } from '../../lib/clock.ts'
import { bootId } from '../../lib/process-id.ts'
import { processIdentity } from '../../lib/process-identity.ts'

/** Older than this, a mark of another container is left over: no build takes so long. Milliseconds. */
const LEFT_OVER_MS = 24 * 3600 * 1000

/**
 * The mark of this process, fit for a file name: its number, its start, the boot of the machine, and the namespace in which
 * the number means something.
 */
export async function ownMark(): Promise<string> {
  const identity = (await processIdentity(process.pid)) ?? ''
  return [...identity.split(' '), ...(await whereabouts())].join('_')
}

/**
 * Whether the process lives that wrote a mark. Of one in another container only the mark's age tells.
 *
 * @param path what bears the mark
 */
export async function markLives(mark: string, path: string): Promise<boolean> {
  const [pid = '', start, boot, namespace] = mark.split('_')
  const [thisBoot, thisNamespace] = await whereabouts()
  if (pid === '' || boot !== thisBoot) return false
  if (namespace === thisNamespace) return (await processIdentity(pid)) === `${pid} ${start}`
  return !(await isOlder(path, LEFT_OVER_MS))
}

/** Whether a file or directory was last written to longer ago than this; what is gone counts as old. */
export async function isOlder(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined || systemClock.now().getTime() - found.mtimeMs > ms
}

async function whereabouts(): Promise<[string, string]> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return [bootId(), namespace.replace(/\D/g, '') || 'unknown']
}
