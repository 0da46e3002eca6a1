import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { systemClock } from '../../../lib/clock.ts'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { printable } from '../../../lib/printable.ts'
import { quietLog } from '../../control/log.ts'
import { formatLogLine, isOfService } from '../../control/log-line.ts'
import type { Settings } from '../../settings/types.ts'
import { followLines, lastLines, newPart } from './follow.ts'
import { cofferSettings } from './settings.ts'

const SERVICES = ['coffer', 'identity', 'api', 'taskmanager', 'conductor', 'compute', 'transport']
const CONSOLE_BYTES = 128 * 1024
const CONSOLE_PAUSE_MS = 1000

export interface LogsOptions {
  readonly stateDir: string | undefined
  /** A service or an instance; undefined: all services. */
  readonly what: string | undefined
  readonly follow: boolean
  readonly lines: number
  readonly json: boolean
}

/** `coffer logs`. @returns the exit status */
export async function logs(options: LogsOptions): Promise<number> {
  const settings = await cofferSettings(options.stateDir)
  const { what } = options
  if (what === undefined || SERVICES.includes(what)) await serviceLog(settings, options)
  else await consoleLog(settings, what, options)
  return 0
}

async function serviceLog({ stateDir }: Settings, { what, follow, lines, json }: LogsOptions): Promise<void> {
  const file = join(stateDir, 'log', 'coffer.log')
  const show = (line: string) => process.stdout.write(`${json ? line : formatLogLine(line)}\n`)
  const passes = (line: string) => isOfService(line, what)
  let end: number
  try {
    const tail = await lastLines(file, lines, passes)
    for (const line of tail.lines) show(line)
    end = tail.end
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new CofferError('LOG_NOT_FOUND', `There is no log in ${stateDir} yet`, {
      hint: 'coffer up starts the service. Another state directory is named with --state-dir.',
    })
  }
  if (!follow) return
  for await (const line of followLines(file, end, systemClock)) if (passes(line)) show(line)
}

async function consoleLog(settings: Settings, what: string, { follow, lines }: LogsOptions): Promise<void> {
  const server = await serverOf(settings, what)
  const { openCompute } = await import('../../compute/index.ts')
  const compute = await openCompute(settings, { clock: systemClock, log: quietLog() })
  try {
    let shown = await compute.consoleTail(server, CONSOLE_BYTES)
    const text = consoleText(shown)
      .split('\n')
      .slice(-lines - 1)
      .join('\n')
    if (lines > 0 && text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    while (follow) {
      await systemClock.sleep(CONSOLE_PAUSE_MS)
      const now = await compute.consoleTail(server, CONSOLE_BYTES)
      process.stdout.write(consoleText(newPart(shown, now)))
      shown = now
    }
  } finally {
    await compute.close()
  }
}

/** What a guest wrote to its console, without what would drive this terminal: colours go, the rest is written out. */
const consoleText = (text: string): string =>
  printable(stripVTControlCharacters(text).replaceAll('\r', '').replaceAll('\t', '        '))

/** The server of an instance by id, or by a name that only one instance has. */
async function serverOf(settings: Settings, what: string): Promise<string> {
  const { openDatabase } = await import('../../db/index.ts')
  const db = await openDatabase(settings.databaseUrl)
  try {
    const living = await db.instances.living()
    const found = living.filter(({ id, name }) => id === what || name === what)
    const [instance, another] = found
    if (instance === undefined) {
      throw new CofferError('LOG_NOT_FOUND', `There is no service and no instance '${what}'`, {
        hint: `Services: ${SERVICES.join(', ')}. Instances: ${living.map(({ name }) => name).join(', ') || 'none'}.`,
      })
    }
    if (another !== undefined) {
      throw new CofferError('INSTANCE_AMBIGUOUS', `${found.length} instances are named '${what}'`, {
        hint: `Name one by its id: ${found.map(({ id }) => id).join(', ')}`,
      })
    }
    if (instance.compute_instance_id === null) {
      throw new CofferError('LOG_NOT_FOUND', `Instance '${what}' has no server yet`, {
        hint: 'Try again in a moment.',
      })
    }
    return instance.compute_instance_id
  } finally {
    await db.close()
  }
}
