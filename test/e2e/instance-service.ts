import { mkdtemp, readdir, readlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { isRunning } from '../../lib/process-id.ts'
import { removeTree } from '../../lib/tree.ts'
import { readRunFile } from '../../runtime/control/run-file.ts'
import { freePort } from '../free-ports.ts'
import { readOpenrc } from '../integration/control-support.ts'
import { root } from './harness.ts'
import { registeredImages } from './shared-images.ts'
import { readTable, type Table } from './trove-table.ts'

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What there is of servers on this machine, counted past all code of ours. */
export interface Machines {
  readonly processes: readonly number[]
  readonly servers: readonly string[]
  readonly volumes: readonly string[]
  readonly addresses: readonly string[]
}

/** The whole service with real guests, as a person runs it. */
export interface InstanceService {
  readonly stateDir: string
  readonly up: () => Promise<void>
  /** SIGKILL to the control plane; it is gone when this resolves. */
  readonly kill: () => Promise<void>
  /** Runs trove with the openrc of the service. */
  readonly trove: (...args: string[]) => Promise<Ended>
  /** A command of trove that succeeds, and its table; an empty one when it prints none. */
  readonly table: (...args: string[]) => Promise<Table>
  /** A command of trove that succeeds, and its JSON. */
  readonly json: <T>(...args: string[]) => Promise<T>
  readonly machines: () => Promise<Machines>
  /** What `trove quota-show` says is in use. */
  readonly used: () => Promise<Readonly<Record<string, number>>>
  /** Rows of the infrastructure database: for moments that no command shows. */
  readonly rows: (sql: string) => readonly Readonly<Record<string, unknown>>[]
  /** Ends and deletes everything, and checks that nothing is left. */
  readonly end: () => Promise<void>
}

/**
 * A service with the images registered so far, on ports, addresses and user ids of its own.
 *
 * @param net second octet of the guests' loopback addresses
 */
export async function instanceService(net: number): Promise<InstanceService> {
  const home = await mkdtemp(join(tmpdir(), 'coffer-e2e-service.'))
  const stateDir = join(home, 'state')
  await run(['cp', '-a', '--', registeredImages(), stateDir])
  const [api, identity, hub] = [await freePort(), await freePort(), await freePort()]
  const settings = `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${api}
transport_url = embedded://127.0.0.1:${hub}
http_get_rate = 0
http_post_rate = 0
http_delete_rate = 0
[identity]
bind_host = 127.0.0.1
bind_port = ${identity}
[qemu]
guest_range = 127.${net}.0.0/24
first_uid = ${net}000
`
  await writeFile(join(stateDir, 'trove.conf'), settings, { mode: 0o600 })
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    COFFER_STATE_DIR: stateDir,
  }
  const coffer = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await run([`${root}runtime/bin/coffer`, ...args], {
      check: false,
      env,
      timeoutMs: 120_000,
    })
    expect([args, exitCode, stderr]).toEqual([args, 0, ''])
    return stdout
  }
  const trove = async (...args: string[]): Promise<Ended> => {
    const { exitCode, stdout, stderr } = await run([`${root}runtime/bin/trove`, ...args], {
      check: false,
      env: { ...env, ...(await readOpenrc(join(stateDir, 'openrc'))) },
      timeoutMs: 400_000,
    })
    return { exitCode, stdout, stderr }
  }
  const succeeds = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await trove(...args)
    expect([args, exitCode], stderr).toEqual([args, 0])
    return stdout
  }
  const table = async (...args: string[]) => readTable(await succeeds(...args))
  return {
    stateDir,
    trove,
    table,
    async up() {
      expect(await coffer('up')).toMatch(/^The service runs \(process \d+/)
    },
    async kill() {
      const state = readRunFile(stateDir)
      if (state === undefined) throw new Error('no control plane runs')
      process.kill(state.process.pid, 'SIGKILL')
      while (isRunning(state.process)) await systemClock.sleep(10)
    },
    json: async <T>(...args: string[]) => JSON.parse(await succeeds('--json', ...args)) as T,
    machines: () => machinesOf(stateDir),
    async used() {
      const [project] = rowsOf(stateDir, 'SELECT DISTINCT tenant_id FROM quota_usages')
      const { rows } = await table('quota-show', String(project?.tenant_id))
      return Object.fromEntries(
        rows.map(([resource, inUse, reserved]) => [resource, Number(inUse) + Number(reserved)]),
      )
    },
    rows: (sql) => rowsOf(stateDir, sql),
    async end() {
      const said = await coffer('down', '--purge', '--yes')
      expect(said).toMatch(/^Deleted: \d+ instances, \d+ volumes and the state in /m)
      expect(await machinesOf(stateDir)).toEqual({ processes: [], servers: [], volumes: [], addresses: [] })
      expect((await readdir(stateDir)).toSorted()).toEqual(['images', 'trove.conf'])
      expect((await run(['cat', '/proc/self/mountinfo'])).stdout).not.toContain(home)
      await removeTree(home)
    },
  }
}

function rowsOf(stateDir: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const database = new DatabaseSync(join(stateDir, 'trove.sqlite'), { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

async function machinesOf(stateDir: string): Promise<Machines> {
  const instances = join(stateDir, 'instances')
  const [servers, volumes, addresses] = await Promise.all(
    [instances, join(stateDir, 'volumes'), join(instances, '.slots')].map(namesIn),
  )
  return {
    processes: await processesIn(instances),
    servers: (servers ?? []).filter((name) => name !== '.slots'),
    volumes: volumes ?? [],
    addresses: addresses ?? [],
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => [])

/** Processes whose current directory is below a directory: every QEMU's is its server's. */
async function processesIn(directory: string): Promise<readonly number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const places = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => '')))
  const programs = await Promise.all(ids.map((id) => readlink(`/proc/${id}/exe`).catch(() => '')))
  return ids
    .filter(
      (_, n) => places[n]?.startsWith(`${directory}/`) === true && programs[n]?.includes('qemu') === true,
    )
    .map(Number)
}

/** Looks until the answer passes. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  passes: (answer: T) => boolean,
  { timeoutMs = 120_000, pauseMs = 250 } = {},
): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const answer = await look()
    if (passes(answer)) return answer
    if (Date.now() > end) throw new Error(`${what} did not come: ${JSON.stringify(answer)}`)
    await systemClock.sleep(pauseMs)
  }
}
