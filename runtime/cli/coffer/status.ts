import { residentBytes } from '../../../lib/process-id.ts'
import { type RunState, runningPlane } from '../../control/run-file.ts'
import { SERVICE_STATUSES } from '../../model/service-status.ts'
import type { Settings } from '../../settings/types.ts'
import { databaseExists } from './database.ts'
import { answers } from './http.ts'
import { cofferSettings } from './settings.ts'

export interface StatusReport {
  readonly running: boolean
  readonly state: RunState['state'] | 'stopped'
  readonly pid: number | null
  readonly since: string | null
  /** Bytes in RAM. */
  readonly memory: number | null
  readonly stateDir: string
  readonly services: readonly { readonly name: string; readonly url: string; readonly answers: boolean }[]
  /** Living instances, and how many of them serve. */
  readonly instances: { readonly total: number; readonly running: number } | null
}

/** `coffer status`. @returns 0 when all that should run does, else 1 */
export async function status(options: {
  readonly stateDir: string | undefined
  readonly json: boolean
}): Promise<number> {
  const report = await statusReport(await cofferSettings(options.stateDir))
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : statusText(report))
  return report.running && report.services.every((service) => service.answers) ? 0 : 1
}

async function statusReport(settings: Settings): Promise<StatusReport> {
  const plane = runningPlane(settings.stateDir)
  const endpoints = Object.entries(plane?.endpoints ?? {}).filter(([, url]) => url.startsWith('http'))
  return {
    running: plane?.state === 'running',
    state: plane?.state ?? 'stopped',
    pid: plane?.process.pid ?? null,
    since: plane?.since ?? null,
    memory: plane === undefined ? null : residentBytes(plane.process.pid),
    stateDir: settings.stateDir,
    services: await Promise.all(
      endpoints.map(async ([name, url]) => ({
        name,
        url,
        answers: await answers(url.replace(/\/v1\.0$/, '/')),
      })),
    ),
    instances: await instances(settings),
  }
}

/** Null when the database cannot be read: a status shows what it can. */
async function instances(settings: Settings): Promise<StatusReport['instances']> {
  try {
    if (!(await databaseExists(settings.databaseUrl))) return null
    const { openDatabase } = await import('../../db/index.ts')
    const db = await openDatabase(settings.databaseUrl)
    try {
      const living = await db.instances.living()
      const codes = await Promise.all(living.map(async ({ id }) => (await db.statuses.get(id))?.code))
      return {
        total: living.length,
        running: codes.filter((code) => code === SERVICE_STATUSES.RUNNING.code).length,
      }
    } finally {
      await db.close()
    }
  } catch {
    return null
  }
}

/** The report for a person. */
export function statusText(report: StatusReport): string {
  const { pid, since, memory, instances: counted } = report
  const lines =
    pid === null
      ? [`The service does not run (state directory ${report.stateDir}).`]
      : [
          `The service is ${report.state}: process ${pid} since ${since?.slice(0, 19)}Z, ${Math.round((memory ?? 0) / 2 ** 20)} MiB.`,
          ...report.services.map(
            (service) =>
              `  ${service.name.padEnd(9)} ${service.url}  ${service.answers ? 'answers' : 'DOES NOT ANSWER'}`,
          ),
          `  ${'state'.padEnd(9)} ${report.stateDir}`,
        ]
  if (counted !== null) lines.push(`Instances: ${counted.total}, of which ${counted.running} serve.`)
  if (pid === null) lines.push('hint: coffer up starts it.')
  return `${lines.join('\n')}\n`
}
