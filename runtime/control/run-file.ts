import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { isRunning, type ProcessId } from '../../lib/process-id.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'

/** What a control plane says of itself in `run/coffer.json`. */
export interface RunState {
  readonly process: ProcessId
  /** ISO time. */
  readonly since: string
  readonly state: 'starting' | 'running' | 'stopping' | 'failed'
  /** What it does at this moment, or why it failed: a sentence. */
  readonly step: string
  readonly hint?: string
  readonly code?: string
  readonly endpoints?: Readonly<Record<string, string>>
}

export const runFileOf = (stateDir: string): string => join(stateDir, 'run', 'coffer.json')

/** What the control plane of a state directory last said; undefined when there is none, or it was not of ours. */
export function readRunFile(stateDir: string): RunState | undefined {
  try {
    const state = JSON.parse(readFileSync(runFileOf(stateDir), 'utf8')) as RunState
    return typeof state.process?.pid === 'number' ? state : undefined
  } catch {
    return undefined
  }
}

/** The control plane that runs now, told from one that only left its file. */
export function runningPlane(stateDir: string): RunState | undefined {
  const state = readRunFile(stateDir)
  return state !== undefined && isRunning(state.process) ? state : undefined
}

/** Keeps the file of a control plane up to date, one write after another. */
export interface RunFile {
  readonly say: (change: Partial<Omit<RunState, 'process' | 'since'>>) => Promise<void>
  readonly fail: (error: unknown) => Promise<void>
  readonly remove: () => Promise<void>
}

export async function openRunFile(stateDir: string, process: ProcessId, since: Date): Promise<RunFile> {
  const file = runFileOf(stateDir)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  let state: RunState = { process, since: since.toISOString(), state: 'starting', step: 'starting' }
  let last: Promise<void> = Promise.resolve()
  const write = (): Promise<void> => {
    // A write that failed (a full disk) must not take those after it along.
    last = last
      .catch(() => undefined)
      .then(() => writeAtomically(file, `${JSON.stringify(state, null, 2)}\n`, 0o600))
    return last
  }
  await write()
  return {
    say(change) {
      state = { ...state, ...change }
      return write()
    },
    fail(error) {
      const known = error instanceof CofferError ? error : undefined
      state = {
        ...state,
        state: 'failed',
        step: error instanceof Error ? error.message : String(error),
        ...(known?.hint === undefined ? {} : { hint: known.hint }),
        ...(known === undefined ? {} : { code: known.code }),
      }
      return write()
    },
    async remove() {
      await last.catch(() => undefined)
      await rm(file, { force: true })
    },
  }
}
