// The API service of the benchmark, in a process of its own: SQLite in a file, the embedded identity's tokens, 500 instances.
// Prints one line of JSON when it listens; SIGTERM ends it. Usage: api-server.ts <directory>
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../../lib/clock.ts'
import { loadKey, sealer } from '../../lib/seal.ts'
import { buildApi } from '../../runtime/api/index.ts'
import { openDatabase } from '../../runtime/db/index.ts'
import { openAuthority } from '../../runtime/identity/authority.ts'
import { embeddedValidator } from '../../runtime/identity/embedded.ts'
import { firstStart } from '../../runtime/identity/first-start.ts'
import { openIdentityStore } from '../../runtime/identity/store.ts'
import { tokenSigner } from '../../runtime/identity/tokens.ts'
import { INSTANCE_TASKS } from '../../runtime/model/instance-task.ts'
import { SERVICE_STATUSES } from '../../runtime/model/service-status.ts'
import { loadSettings } from '../../runtime/settings/index.ts'

const ROWS = 500
const directory = process.argv[2] ?? '.'
const clock = systemClock

const db = await openDatabase(`sqlite://${join(directory, 'trove.sqlite')}`, { clock })
await db.datastores.putDatastore('mysql')
const version = await db.datastores.putVersion({
  datastore: 'mysql',
  name: '8.0',
  manager: 'mysql',
  image_id: randomUUID(),
  packages: '',
  active: true,
})
await db.datastores.putDatastore('mysql', version.id)

const store = await openIdentityStore(join(directory, 'identity.json'))
let password = ''
await firstStart(store, async (generated) => {
  password = generated
})
const authority = openAuthority({ store, signer: tokenSigner(randomBytes(32)), clock, lifetimeMs: 3_600_000 })
const login = await authority.login({
  password: { user: { name: 'admin' }, password },
  scope: 'default',
  address: '127.0.0.1',
})
const project = login.project?.id ?? ''

await db.transaction(async (inside) => {
  for (let index = 0; index < ROWS; index += 1) {
    const id = randomUUID()
    await inside.instances.create({
      id,
      name: `m${index}`,
      tenant_id: project,
      flavor_id: '2',
      volume_size: 1,
      datastore_version_id: version.id,
      task_code: INSTANCE_TASKS.NONE.code,
      created: clock.now(),
    })
    await inside.instances.update(id, { server_status: 'ACTIVE', addresses: [`127.77.1.${index % 250}`] })
    await inside.statuses.set(id, SERVICE_STATUSES.RUNNING.code)
  }
})

const settings = {
  ...(await loadSettings({ env: { ...process.env, COFFER_STATE_DIR: directory }, files: [] })),
  httpGetRate: 0,
  httpPostRate: 0,
  maxInstancesPerTenant: -1,
  maxVolumesPerTenant: -1,
  maxRamPerTenant: -1,
}
const app = await buildApi({
  db,
  rpc: { call: async () => null, cast: async () => undefined, close: async () => undefined },
  identity: embeddedValidator(authority, settings.adminRoles),
  flavors: async () => [{ id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0 }],
  settings,
  clock,
  seal: sealer(await loadKey(join(directory, 'secret.key'))),
  // Access lines are written as in production; only where they go is different.
  log: pino({ level: 'info' }, pino.destination({ dest: join(directory, 'api.log'), sync: false })),
})
await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
const port = typeof address === 'object' && address !== null ? address.port : 0
process.stdout.write(`${JSON.stringify({ port, project, token: login.token })}\n`)
process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0))
})
