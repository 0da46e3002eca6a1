import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { ownProcessId } from '../../lib/process-id.ts'
import type { Settings } from '../settings/types.ts'
import { startControlPlane } from './control-plane.ts'
import { openServiceLog, type ServiceLog } from './log.ts'
import { openRunFile, type RunFile } from './run-file.ts'
import { type ProgramName, servicesOf } from './services.ts'
import { requireSafeStateDirectory } from './state-directory.ts'
import { takeLock } from './state-lock.ts'

/** An orderly stop that takes longer is given up, in milliseconds. */
const STOP_MS = 25_000

/** Variables that serve this process alone: what it starts, QEMU above all, shall not inherit them. */
const OWN_VARIABLES = ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'NODE_COMPILE_CACHE']

/**
 * Runs a program of the control plane until a signal ends it.
 *
 * @param args `--config-file FILE`, `--config-dir DIRECTORY`
 * @param show told each line of a log that goes to a file
 * @returns the exit status
 */
export async function runProgram(
  program: ProgramName,
  args: readonly string[],
  show?: (line: string) => void,
): Promise<number> {
  for (const name of OWN_VARIABLES) delete process.env[name]
  const { loadSettings } = await import('../settings/index.ts')
  const settings = await loadSettings({ argv: args, env: process.env })
  const services = servicesOf(program, settings)
  await requireSafeStateDirectory(settings.stateDir)
  // The hub and the identity write files of the state directory, so who runs them is alone.
  const alone = services.has('hub') || services.has('identity') || program === 'coffer'
  const unlock = alone
    ? await takeLock(join(settings.stateDir, 'run', 'coffer.lock'), 'A control plane')
    : undefined
  const file = program === 'coffer' ? join(settings.stateDir, 'log', 'coffer.log') : undefined
  const log = await openServiceLog(file, show)
  try {
    return await runUntilSignal(program, settings, services, log)
  } finally {
    unlock?.()
    log.close()
  }
}

async function runUntilSignal(
  program: ProgramName,
  settings: Settings,
  services: ReturnType<typeof servicesOf>,
  { log: root, flush }: ServiceLog,
): Promise<number> {
  const log = root.child({ service: program })
  const runFile =
    program === 'coffer' ? await openRunFile(settings.stateDir, ownProcessId(), systemClock.now()) : undefined
  process.on('unhandledRejection', (error: unknown) => {
    // Some background work failed; everything that matters is repeated from the database.
    log.error({ err: error }, 'An error was not handled')
  })
  process.on('uncaughtException', (error: unknown) => {
    log.fatal({ err: error }, 'An unexpected error ends this process')
    flush()
    process.exit(1)
  })
  // Who looks on from outside is told as well as can be: a full disk must neither keep the services from starting nor
  // from stopping in order.
  const say = (change: Parameters<RunFile['say']>[0]): Promise<void> =>
    (runFile?.say(change) ?? Promise.resolve()).catch((error: unknown) =>
      log.warn({ err: error }, 'The run file could not be written'),
    )
  const signal = nextSignal()
  try {
    const plane = await startControlPlane(settings, {
      services,
      clock: systemClock,
      log: root,
      onStep(step) {
        log.info({ step }, 'starting')
        void say({ step })
      },
    })
    await say({ state: 'running', step: 'running', endpoints: plane.endpoints })
    log.info({ services: [...services], endpoints: plane.endpoints }, 'running')
    log.info({ signal: await signal }, 'stopping')
    await say({ state: 'stopping', step: 'stopping' })
    return await stopInTime(plane.stop, log, runFile)
  } catch (error) {
    log.fatal({ err: error }, 'The start failed')
    await runFile?.fail(error).catch(() => undefined)
    throw error
  }
}

async function stopInTime(
  stop: () => Promise<void>,
  log: ServiceLog['log'],
  runFile?: RunFile,
): Promise<number> {
  const late = setTimeout(() => {
    log.error('The stop took too long and was given up')
    process.exit(1)
  }, STOP_MS)
  const status = await stop().then(
    () => 0,
    (error: unknown) => {
      log.error({ err: error }, 'Something could not be closed')
      return 1
    },
  )
  clearTimeout(late)
  log.info('stopped')
  await runFile?.remove()
  return status
}

/** The first signal asks for an orderly stop; a second one ends the process. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(1))
      })
    }
  })
}
