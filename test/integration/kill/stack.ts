import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../lib/clock.ts'
import { loadKey } from '../../../lib/seal.ts'
import { removeTree } from '../../../lib/tree.ts'
import { setFaults } from '../../../runtime/compute/fake/faults.ts'
import { guestDirectory } from '../../../runtime/compute/fake/guests.ts'
import { openFakeCompute } from '../../../runtime/compute/fake/index.ts'
import { openDatabase } from '../../../runtime/db/index.ts'
import { controlSecret } from '../../../runtime/transport/embedded/index.ts'
import { transportAdmin } from '../../../runtime/transport/index.ts'
import { transportUrl } from '../../../runtime/transport/url.ts'
import { freePorts } from '../../free-ports.ts'

export const ROLES = ['hub', 'conductor', 'taskmanager', 'fleet'] as const
export type Role = (typeof ROLES)[number]

const program = new URL('service.ts', import.meta.url).pathname

export type Stack = Awaited<ReturnType<typeof startStack>>

/** A whole control plane, each service a process of its own, and a process that plays the guests. */
export async function startStack() {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-kill-'))
  const [port = 0] = await freePorts(2)
  const key = await loadKey(join(directory, 'secret.key'))
  const db = await openDatabase(`sqlite://${directory}/trove.sqlite`, { clock: systemClock })
  await db.datastores.putDatastore('mysql')
  await db.datastores.putVersion({
    datastore: 'mysql',
    name: '9.7',
    manager: 'mysql',
    image_id: 'image-1',
    packages: '',
    active: true,
  })
  await db.datastores.putDatastore('mysql', '9.7')
  const compute = await openFakeCompute(join(directory, 'compute'), { clock: systemClock })
  const processes = new Map<Role, ChildProcess>()

  async function start(role: Role): Promise<void> {
    await rm(join(directory, `${role}.ready`), { force: true })
    const child = spawn(process.execPath, [program, role, directory, String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk
    })
    processes.set(role, child)
    while (!existsSync(join(directory, `${role}.ready`))) {
      if (child.exitCode !== null) throw new Error(`${role} ended: ${complaint}`)
      await sleep(10)
    }
  }

  async function kill(role: Role): Promise<void> {
    const child = processes.get(role)
    processes.delete(role)
    if (child === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  await start('hub')
  await Promise.all([start('conductor'), start('taskmanager'), start('fleet')])
  const admin = await transportAdmin({
    transportUrl: transportUrl({
      identity: 'control:test',
      secret: controlSecret(key, 'test'),
      host: '127.0.0.1',
      port,
    }),
  })

  /** A request to the API. @returns undefined when there was no answer */
  async function request(method: string, path: string, body?: object) {
    return fetch(`http://127.0.0.1:${port + 1}/v1.0/tenant-a${path}`, {
      method,
      headers: { 'x-auth-token': 'token', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => undefined)
  }

  async function until<T>(what: string, probe: () => Promise<T | undefined>, ms = 20_000): Promise<T> {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
      const found = await probe().catch(() => undefined)
      if (found !== undefined) return found
    }
    throw new Error(`it did not happen that ${what}`)
  }

  return {
    directory,
    db,
    kill,
    start,
    until,
    setFaults: (faults: Parameters<typeof setFaults>[1]) => setFaults(join(directory, 'compute'), faults),

    async create(): Promise<string> {
      const instance = {
        name: `db-${randomUUID().slice(0, 8)}`,
        flavorRef: '1',
        volume: { size: 1 },
        datastore: { type: 'mysql', version: '9.7' },
      }
      const response = await request('POST', '/instances', { instance })
      if (response?.status !== 200) throw new Error(`create: ${response?.status} ${await response?.text()}`)
      const created = (await response.json()) as { instance: { id: string } }
      return created.instance.id
    },

    async delete(id: string): Promise<void> {
      const response = await request('DELETE', `/instances/${id}`)
      if (response?.status !== 202) throw new Error(`delete: ${response?.status} ${await response?.text()}`)
    },

    /** The status that users see; `gone` when there is no such instance. */
    status: (id: string) =>
      until('the API answers', async () => {
        const response = await request('GET', `/instances/${id}`)
        if (response?.status === 404) return 'gone'
        if (response?.status !== 200) return undefined
        return ((await response.json()) as { instance: { status: string } }).instance.status
      }),

    /** The next time that the task manager comes to this point it stands still there. */
    arm: async (point: string) => {
      for (const suffix of ['.reached', '.passed']) {
        await rm(join(directory, `fault-point${suffix}`), { force: true })
      }
      await writeFile(join(directory, 'fault-point'), point)
    },
    reached: () =>
      until('the fault point is reached', async () =>
        existsSync(join(directory, 'fault-point.reached')) ? true : undefined,
      ),
    pass: () => writeFile(join(directory, 'fault-point.passed'), ''),

    /** What there is of machines and queues, by the instances that they belong to. */
    async things() {
      const byInstance = (list: readonly { readonly instanceId: string }[]) =>
        list.map(({ instanceId }) => instanceId)
      return {
        servers: byInstance(await compute.listServers()),
        volumes: byInstance(await compute.listVolumes()),
        guests: await admin.listGuests(),
      }
    },

    /** What the agent of an instance keeps on its disk. */
    async agentState(id: string): Promise<string> {
      const [server] = (await compute.listServers()).filter(({ instanceId }) => instanceId === id)
      return readFile(
        join(guestDirectory(join(directory, 'compute'), server?.id ?? 'none'), 'state.json'),
        'utf8',
      )
    },

    async usage() {
      const usages = await db.quotas.usages('tenant-a', {})
      return Object.fromEntries(usages.map(({ resource, in_use }) => [resource, in_use]))
    },

    /** The last lines of all logs, for a failed test. */
    async logs(): Promise<string> {
      const texts = await Promise.all(
        ROLES.map(async (role) => {
          const text = await readFile(join(directory, `${role}.log`), 'utf8').catch(() => '')
          return `${role}:\n${text.split('\n').slice(-15).join('\n')}`
        }),
      )
      return texts.join('\n')
    },

    async stop() {
      await admin.close()
      for (const role of ROLES) await kill(role)
      await db.close()
      await removeTree(directory)
    },
  }
}
