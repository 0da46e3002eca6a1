import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanupStack } from '../../lib/cleanup.ts'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { openImageStore } from '../../registry/images/store.ts'
import { startFleet } from '../../runtime/compute/fake/guests.ts'
import { openFakeCompute } from '../../runtime/compute/fake/index.ts'
import { silentLog } from '../../runtime/transport/log.ts'
import { freePort } from '../free-ports.ts'
import { readOpenrc } from './control-support.ts'
import { type DatabaseClient, databaseClient } from './openstack-database-client.ts'

const BIN = new URL('../../runtime/bin/', import.meta.url).pathname

/** The whole control plane in one process, or each service in its own, or also two of those that may be many. */
export type Shape = 'one process' | 'three processes' | 'five processes'

const PROGRAMS: Readonly<Record<Shape, readonly (readonly [string, ...string[]])[]>> = {
  'one process': [['coffer', 'up', '--foreground']],
  'three processes': [['trove-api'], ['trove-taskmanager'], ['trove-conductor']],
  'five processes': [
    ['trove-api'],
    ['trove-taskmanager'],
    ['trove-taskmanager'],
    ['trove-conductor'],
    ['trove-conductor'],
  ],
}

export interface ServiceOptions {
  readonly shape?: Shape
  /** URL of the infrastructure database. Default: SQLite in the state directory. */
  readonly databaseUrl?: string
  /** RabbitMQ and its management API. Default: the hub. */
  readonly rabbit?: { readonly url: string; readonly adminUrl: string }
}

/** A service on ports and in a state directory of its own. Its machines are fake; their guests run the real agent. */
export interface Service {
  readonly stateDir: string
  readonly client: DatabaseClient
  /** Runs a program of runtime/bin with the service's settings. */
  readonly ours: (program: string, ...args: string[]) => Promise<{ exitCode: number; stdout: string }>
  /** Puts an image into the store. @returns its id */
  readonly image: (name: string) => Promise<string>
  /** What exists on the machine now. */
  readonly machines: () => Promise<{ readonly servers: number; readonly volumes: number }>
  /** All that the programs have logged. */
  readonly log: () => string
  readonly stop: () => Promise<void>
}

/** Starts the programs and a fleet of guests; the clients are the administrator's. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const cleanup = cleanupStack()
  const stateDir = await mkdtemp(join(tmpdir(), 'coffer-service-'))
  cleanup.defer('the state directory', () => removeTree(stateDir))
  const env = { PATH: '/usr/bin:/bin', HOME: stateDir, LANG: 'C.UTF-8', COFFER_STATE_DIR: stateDir }
  await writeFile(join(stateDir, 'trove.conf'), await settings(options), { mode: 0o600 })
  const lines: string[] = []
  try {
    // The guests go last: they and the fake compute driver meet in its directory only.
    const directory = join(stateDir, 'fake-compute')
    await mkdir(directory, { recursive: true })
    const compute = await openFakeCompute(directory, { clock: systemClock })
    const fleet = await startFleet({ directory, clock: systemClock, log: silentLog })
    cleanup.defer('the guests', fleet.stop)
    for (const [program, ...args] of PROGRAMS[options.shape ?? 'one process']) {
      cleanup.defer(program, await startProgram([join(BIN, program), ...args], env, lines))
    }
    const client = await databaseClient(await readOpenrc(join(stateDir, 'openrc')), stateDir)
    cleanup.defer('the clients', client.close)
    return {
      stateDir,
      client,
      ours: (program, ...args) => run([join(BIN, program), ...args], { env, check: false }),
      async image(name) {
        const file = join(stateDir, `${name}.qcow2`)
        await run(['qemu-img', 'create', '-q', '-f', 'qcow2', file, '10M'])
        return (await openImageStore(join(stateDir, 'images')).put(file, { name })).id
      },
      machines: async () => ({
        servers: (await compute.listServers()).length,
        volumes: (await compute.listVolumes()).length,
      }),
      log: () => lines.join('\n'),
      stop: () => cleanup.release(),
    }
  } catch (error) {
    await cleanup.release()
    throw error
  }
}

/** Starts a program and waits until it says that it runs. @returns what ends it, by SIGTERM */
async function startProgram(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  lines: string[],
): Promise<() => Promise<void>> {
  const abort = new AbortController()
  const runs = Promise.withResolvers<void>()
  const ended = run(argv, {
    env,
    signal: abort.signal,
    check: false,
    onLine(line) {
      lines.push(line)
      if (line.includes('"msg":"running"')) runs.resolve()
    },
  }).then(({ exitCode }) => {
    runs.reject(new Error(`${argv[0]} ended with ${exitCode}:\n${lines.slice(-20).join('\n')}`))
    return exitCode
  })
  await runs.promise
  return async () => {
    abort.abort()
    const exitCode = await ended
    if (exitCode !== 0) throw new Error(`${argv[0]} ended with ${exitCode}:\n${lines.slice(-20).join('\n')}`)
  }
}

async function settings({ databaseUrl, rabbit }: ServiceOptions): Promise<string> {
  const transport = rabbit?.url ?? `embedded://127.0.0.1:${await freePort()}`
  const database = databaseUrl === undefined ? '' : `[database]\nconnection = ${databaseUrl}\n`
  const admin = rabbit === undefined ? '' : `transport_admin_url = ${rabbit.adminUrl}\n`
  return `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${await freePort()}
transport_url = ${transport}
report_interval = 1
default_datastore = mysql
# Small pages, so that few objects make several of them. The client looks for names on the first page of instances only.
instances_page_size = 6
databases_page_size = 3
users_page_size = 3
# A test asks more often than a person.
http_get_rate = 5000
http_post_rate = 4000
http_put_rate = 3000
http_delete_rate = 2000
[coffer]
compute_driver = fake
${admin}[identity]
bind_host = 127.0.0.1
bind_port = ${await freePort()}
${database}`
}
