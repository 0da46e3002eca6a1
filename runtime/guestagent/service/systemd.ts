import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunResult, run } from '../../../lib/exec.ts'
import { exists } from '../../../lib/path-kind.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'
import { guestError } from '../errors.ts'
import { STATE_DIRECTORY } from '../state.ts'
import type { ServiceControl, ServiceState } from './service-control.ts'

/**
 * The engine's unit starts only while this file exists (element guest-agent puts the condition there): not before its
 * volume is in place, and not after somebody stopped it for good.
 */
export const PERMISSION_FILE = join(STATE_DIRECTORY, 'engine-may-start')

/** A start under emulation with a crash recovery in it may take minutes. */
const PATIENCE_MS = 170_000

/** The engine as a unit of systemd. */
export function systemdService(unit: string): ServiceControl {
  const control = async (verb: 'start' | 'stop'): Promise<void> => {
    let result = await systemctl([verb, unit])
    if (result.exitCode !== 0 && verb === 'start' && (await state()).result === 'start-limit-hit') {
      // systemd has seen too many failures to try by itself; somebody asks for it now.
      await systemctl(['reset-failed', unit])
      result = await systemctl([verb, unit])
    }
    if (result.exitCode === 0) return
    const words = await lastWords()
    throw guestError(`${unit} did not ${verb}${words === '' ? '' : `: ${words}`}`)
  }
  const state = async () =>
    stateOf((await systemctl(['show', '--property=ActiveState,SubState,MainPID,Result', unit])).stdout)
  const lastWords = async (): Promise<string> => {
    const log = await run(
      ['journalctl', `--unit=${unit}`, '--lines=30', '--output=cat', '--no-pager', '--boot'],
      { check: false, timeoutMs: 20_000 },
    )
    return wordsOf(log.stdout)
  }
  return {
    start: () => control('start'),
    // What was never allowed to start does not run: a guest that is new need not ask.
    stop: async () => ((await exists(PERMISSION_FILE)) ? control('stop') : undefined),
    permit: (allowed) =>
      allowed ? writeAtomically(PERMISSION_FILE, '', 0o644) : rm(PERMISSION_FILE, { force: true }),
    state,
    lastWords,
  }
}

/** Reads the lines of `systemctl show`. Pure. */
export function stateOf(text: string): ServiceState & { readonly result: string } {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? ''
  return {
    active: value('ActiveState'),
    sub: value('SubState'),
    mainPid: Number(value('MainPID')) || 0,
    result: value('Result'),
  }
}

const SYSTEMD_WORDS = /\.service: |^(Starting|Started|Stopping|Stopped|Failed to start) /
const ERROR_WORDS = /\b(error|fatal|panic)\b|unknown (variable|option)|bad directive|unrecognized/i

/** What an engine's log says of its end: its first errors, else its last line but systemd's own. Pure. */
export function wordsOf(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !SYSTEMD_WORDS.test(line))
  const errors = lines.filter((line) => ERROR_WORDS.test(line))
  return (errors.length > 0 ? errors.slice(0, 2) : lines.slice(-1)).join('; ').slice(0, 300)
}

const systemctl = (words: readonly string[]): Promise<RunResult> =>
  run(['systemctl', '--no-ask-password', ...words], { check: false, timeoutMs: PATIENCE_MS })
