import { readlinkSync } from 'node:fs'
import { isRunning, ownProcessId } from '../../lib/process-id.ts'
import type { Services } from './services.ts'

/** Process numbers mean something inside one of these only: containers of one machine have numbers of their own. */
const pidNamespace = (): string => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')

/** What this process is called in leases: told from every other of any machine, and from later ones with its number. */
export function holderName(): string {
  const { pid, startTicks, boot } = ownProcessId()
  return `taskmanager-${pid}-${startTicks}-${pidNamespace()}-${boot}`
}

/** True when the holder of a lease was a process of this machine that has ended; of others nothing is known. */
export function isGone(owner: string): boolean {
  const [, pid, startTicks, namespace, boot] =
    /^taskmanager-(\d+)-(\d+)-(\d+)-([0-9a-f-]{36})\//.exec(owner) ?? []
  if (boot === undefined || boot !== ownProcessId().boot || namespace !== pidNamespace()) return false
  return !isRunning({ pid: Number(pid), startTicks: Number(startTicks), boot })
}

/** Gives back what a killed predecessor on this machine held, so that its tasks need not wait until their leases end. */
export async function releaseOfTheDead({
  db,
  clock,
  log,
}: Pick<Services, 'db' | 'clock' | 'log'>): Promise<void> {
  for (const { id, owner } of await db.tasks.held(clock.now())) {
    if (!isGone(owner)) continue
    await db.tasks.release(id, owner)
    log.info({ task: id }, 'A task is taken over from a process that has ended')
  }
}
