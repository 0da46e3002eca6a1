import { CofferError } from '../../../../lib/errors.ts'
import type { QmpSession } from './client.ts'

/** QEMU's run states that matter here; others pass through as they are. */
export type RunState = 'running' | 'shutdown' | 'guest-panicked' | 'io-error' | 'paused' | (string & {})

/** What the machine is doing. */
export async function queryStatus(session: QmpSession): Promise<RunState> {
  const { status } = (await session.execute('query-status')) as { status?: unknown }
  return String(status)
}

/** The name given with `-name`. */
export async function queryName(session: QmpSession): Promise<string> {
  const { name } = (await session.execute('query-name')) as { name?: unknown }
  return String(name)
}

/** Presses the reset button, and sets the machine going again if it had stopped (powered off, panicked, disk full). */
export async function resetMachine(session: QmpSession): Promise<void> {
  const before = await queryStatus(session)
  const reset = session.events.next('RESET', 10_000)
  await Promise.all([session.execute('system_reset'), reset])
  if (before !== 'running') await session.execute('cont')
}

/** Ends QEMU. Its disks are flushed first. */
export async function quitMachine(session: QmpSession): Promise<void> {
  await session.execute('quit')
}

/** Takes what a ring buffer device holds; it is empty afterwards. */
export async function takeRingBuffer(session: QmpSession, device: string, size: number): Promise<Buffer> {
  const data = await session.execute('ringbuf-read', { device, size, format: 'base64' })
  return Buffer.from(typeof data === 'string' ? data : '', 'base64')
}

/** Runs a command of the human monitor. @returns what it prints */
export async function humanMonitor(session: QmpSession, line: string): Promise<string> {
  if (/[\r\n\0]/.test(line)) throw new CofferError('QMP_COMMAND_FAILED', 'A monitor command is one line')
  const text = await session.execute('human-monitor-command', { 'command-line': line })
  return typeof text === 'string' ? text : ''
}
