import { readFileSync } from 'node:fs'

/** A process, told from a later one with the same number. */
export interface ProcessId {
  readonly pid: number
  /** Clock ticks from boot to its start (proc(5), stat, field 22). */
  readonly startTicks: number
  /** /proc/sys/kernel/random/boot_id */
  readonly boot: string
}

/** This process. */
export const ownProcessId = (): ProcessId => ({
  pid: process.pid,
  startTicks: startTicksOf(process.pid) ?? 0,
  boot: bootId(),
})

/** Whether that very process still runs; one that ended and was not yet waited for does not. */
export function isRunning({ pid, startTicks, boot }: ProcessId): boolean {
  return boot === bootId() && startTicksOf(pid) === startTicks
}

/** Memory that a process has in RAM, in bytes; 0 when it is gone. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Undefined for a process that is gone, or a zombie. */
function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything, so the fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

/** Identity of the time since the machine started. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
