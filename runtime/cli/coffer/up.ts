import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { type RunState, runningPlane } from '../../control/run-file.ts'
import { requireSafeStateDirectory } from '../../control/state-directory.ts'
import type { Settings } from '../../settings/types.ts'
import { checksBeforeStart } from './checks/index.ts'
import { nextCommands } from './next-commands.ts'
import { cofferSettings, environmentFor } from './settings.ts'
import { startDetached } from './start.ts'

export interface UpOptions {
  readonly stateDir: string | undefined
  readonly datastore: string
  readonly foreground: boolean
}

/** `coffer up`. @returns the exit status */
export async function up(options: UpOptions): Promise<number> {
  const settings = await cofferSettings(options.stateDir)
  await requireSafeStateDirectory(settings.stateDir)
  const running = runningPlane(settings.stateDir)
  if (running !== undefined && running.state !== 'stopping') {
    say(`The service runs already (process ${running.process.pid}, since ${running.since.slice(0, 19)}Z).`)
    if (running.state === 'running') await summary(settings, running, options.datastore)
    return 0
  }
  if (running !== undefined) {
    throw new CofferError('STATE_LOCKED', 'The service is stopping at this moment', {
      hint: 'Try again in a few seconds.',
    })
  }
  await mkdir(join(settings.stateDir, 'log'), { recursive: true, mode: 0o700 })
  await mayStart(settings)
  if (options.foreground) {
    Object.assign(process.env, environmentFor(settings.stateDir))
    const { runProgram } = await import('../../control/program.ts')
    const { formatLogLine } = await import('../../control/log-line.ts')
    const readable = process.stdout.isTTY === true
    return runProgram('coffer', [], (line) =>
      process.stdout.write(readable ? `${formatLogLine(line.trimEnd())}\n` : line),
    )
  }
  const started = performance.now()
  const state = await startDetached(settings, systemClock, (step) => {
    if (process.stdout.isTTY === true && step !== 'running') say(`  ${step}`)
  })
  say(
    `The service runs (process ${state.process.pid}, started in ${((performance.now() - started) / 1000).toFixed(1)} s).`,
  )
  await summary(settings, state, options.datastore)
  return 0
}

/** The checks that cost next to nothing and spare a puzzling failure later. */
async function mayStart(settings: Settings): Promise<void> {
  const results = await checksBeforeStart(settings)
  for (const { state, sentence } of results) if (state === 'warn') say(`WARNING: ${sentence}`)
  const failed = results.find(({ state }) => state === 'fail')
  if (failed === undefined) return
  throw new CofferError('MACHINE_NOT_READY', failed.sentence, {
    hint: `${failed.hint ?? ''} (coffer doctor shows all checks.)`.trim(),
  })
}

async function summary(settings: Settings, state: RunState, datastore: string): Promise<void> {
  const { identity, database, hub } = state.endpoints ?? {}
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['identity', identity],
    ['database', database],
    ['hub', hub],
    ['state', settings.stateDir],
    ['openrc', settings.authUrl === undefined ? join(settings.stateDir, 'openrc') : undefined],
  ]
  say('')
  for (const [name, value] of rows) if (value !== undefined) say(`  ${name.padEnd(9)} ${value}`)
  say('\nNext:')
  for (const command of await nextCommands(settings, datastore)) say(`  ${command}`)
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
