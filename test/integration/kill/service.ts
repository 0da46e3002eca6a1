// One process of a control plane whose machines are fake: `service.ts <role> <directory> <port of the hub>`. The kill tests
// start these, and end them with SIGKILL. What a product's process would read from its settings is fixed here, with every
// interval made short; the task manager gets a fault point, which no product's process has.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { systemClock as clock } from '../../../lib/clock.ts'
import { loadKey, sealer } from '../../../lib/seal.ts'
import { buildApi } from '../../../runtime/api/index.ts'
import { startFleet } from '../../../runtime/compute/fake/guests.ts'
import { openFakeCompute } from '../../../runtime/compute/fake/index.ts'
import { startConductor } from '../../../runtime/conductor/index.ts'
import { openDatabase } from '../../../runtime/db/index.ts'
import type { TokenValidator } from '../../../runtime/identity/types.ts'
import { rpcClient } from '../../../runtime/rpc/index.ts'
import { startTaskManager } from '../../../runtime/taskmanager/index.ts'
import { controlSecret, startHub } from '../../../runtime/transport/embedded/index.ts'
import { connectTransport, transportAdmin } from '../../../runtime/transport/index.ts'
import { transportUrl } from '../../../runtime/transport/url.ts'
import { FLOW_TIMINGS, testSettings } from './settings.ts'

const [role = '', directory = '', port = ''] = process.argv.slice(2)
const log = pino({ level: 'info' }, pino.destination({ dest: join(directory, `${role}.log`), sync: true }))
const settings = testSettings({ stateDir: directory })
const key = await loadKey(join(directory, 'secret.key'))
const seal = sealer(key)
const computeDirectory = join(directory, 'compute')
const openCompute = () => openFakeCompute(computeDirectory, { clock, bootMs: 20, volumeMs: 10 })
const openDb = () => openDatabase(`sqlite://${directory}/trove.sqlite`, { clock })
const urlOf = (name: string) =>
  transportUrl({
    identity: `control:${name}`,
    secret: controlSecret(key, name),
    host: '127.0.0.1',
    port: Number(port),
  })
const connect = (name: string) => connectTransport(urlOf(name), { clock, log, name, waitMs: 20_000 })

const roles: Record<string, () => Promise<unknown>> = {
  async hub() {
    const db = await openDb()
    const hub = await startHub({
      host: '127.0.0.1',
      port: Number(port),
      store: db.messages,
      async secretOf(identity) {
        const [kind = '', name = ''] = identity.split(':')
        if (kind === 'control') return controlSecret(key, name)
        const sealed = (await db.instances.get(name))?.encrypted_key ?? null
        return sealed === null ? undefined : seal.open(sealed)
      },
      sealer: seal,
      clock,
      log,
    })
    const connection = hub.connection({ kind: 'control', name: 'api' })
    const compute = await openCompute()
    const api = await buildApi({
      db,
      rpc: rpcClient(connection, { name: 'api', clock, log }),
      identity: everyoneIsTenantA,
      flavors: compute.flavors,
      settings,
      clock,
      seal,
      log,
    })
    await api.listen({ host: '127.0.0.1', port: Number(port) + 1 })
  },

  async conductor() {
    await startConductor({
      db: await openDb(),
      connection: await connect('conductor'),
      clock,
      log,
      batchDelayMs: 20,
    })
  },

  async taskmanager() {
    const connection = await connect('taskmanager')
    await startTaskManager({
      db: await openDb(),
      connection,
      rpc: rpcClient(connection, { name: 'taskmanager', clock, log }),
      compute: await openCompute(),
      admin: await transportAdmin({ transportUrl: urlOf('taskmanager'), clock, log }),
      images: { locate: async (id) => ({ path: `/nowhere/${id}`, format: 'qcow2' }) },
      renderConfig: ({ flavor }) => `server_memory = ${flavor.ram}\n`,
      settings,
      seal,
      clock,
      log,
      timings: FLOW_TIMINGS,
      faultPoint: stopThere,
    })
  },

  async fleet() {
    await startFleet({ directory: computeDirectory, clock, log, lookMs: 30 })
  },
}

/** The identity is not what these tests are about. */
const everyoneIsTenantA: TokenValidator = {
  validate: async () => ({
    userId: 'user-a',
    userName: 'amy',
    projectId: 'tenant-a',
    projectName: 'a',
    roles: ['member'],
    isAdmin: false,
    expiresAt: new Date(clock.now().getTime() + 3_600_000),
  }),
  close: async () => undefined,
}

/** Stands still, once, at the point that the file `fault-point` names, and goes on when the test says so. */
async function stopThere(name: string): Promise<void> {
  const file = join(directory, 'fault-point')
  if (!existsSync(file) || readFileSync(file, 'utf8') !== name) return
  renameSync(file, `${file}.reached`)
  while (!existsSync(`${file}.passed`)) await sleep(5)
}

const start = roles[role]
if (start === undefined) throw new Error(`no role ${role}`)
await start()
writeFileSync(join(directory, `${role}.ready`), String(process.pid))
