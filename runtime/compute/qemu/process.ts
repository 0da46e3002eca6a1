import { readdir, readFile, stat } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError, isErrno } from '../../../lib/errors.ts'

/** A process that cannot be mistaken for another one: ids are used again, start times and boots are not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since the machine started: field 22 of /proc/PID/stat, proc(5). */
  readonly startTime: string
  readonly bootId: string
}

/** Reads what the launch script wrote. @returns undefined when there is none, or half of one */
export async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const match = /^(\d+) (\d+) ([0-9a-f-]{36})\n$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined
  return { pid: Number(match[1]), startTime: match[2], bootId: match[3] }
}

/** Whether that very process still runs. A zombie has ended. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const [text, boot] = await Promise.all([
    readFile(`/proc/${identity.pid}/stat`, 'utf8').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ])
  // The program's name stands in brackets and may hold anything; the fields after it are plain.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return boot.trim() === identity.bootId && startTime === identity.startTime && state !== 'Z' && state !== 'X'
}

/** Whether the machine has started anew since. */
export async function isFromEarlierBoot(identity: ProcessIdentity): Promise<boolean> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim() !== identity.bootId
}

/** Milliseconds between looks at whether a process has ended. */
const LOOK_MS = 50

/** Waits until a process has ended. @returns false when it has not within the time */
export async function waitForEnd(
  identity: ProcessIdentity,
  timeoutMs: number,
  clock: Clock,
): Promise<boolean> {
  for (let waited = 0; await isAlive(identity); waited += LOOK_MS) {
    if (waited >= timeoutMs) return false
    await clock.sleep(LOOK_MS)
  }
  return true
}

/**
 * Ends a process: SIGTERM, after five seconds SIGKILL. Does nothing to a process that only has the same number.
 *
 * @throws CofferError `PROCESS_STUCK` when even SIGKILL does not end it (it waits for a disk that does not answer)
 */
export async function endProcess(identity: ProcessIdentity, clock: Clock): Promise<void> {
  for (const [signal, graceMs] of [
    ['SIGTERM', 5000],
    ['SIGKILL', 10_000],
  ] as const) {
    if (!(await isAlive(identity))) return
    send(identity.pid, signal)
    if (await waitForEnd(identity, graceMs, clock)) return
  }
  throw new CofferError('PROCESS_STUCK', `Process ${identity.pid} does not end`, {
    hint: 'It probably waits for a disk: look at the kernel’s messages.',
    retryable: true,
  })
}

/** Kills everything that runs under a user id which is one guest's alone. */
export async function killAllOf(uid: number): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const owner = await stat(`/proc/${name}`).then(
      (found) => found.uid,
      () => undefined,
    )
    if (owner === uid) send(Number(name), 'SIGKILL')
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}
