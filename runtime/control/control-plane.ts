import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { cleanupStack } from '../../lib/cleanup.ts'
import type { Clock } from '../../lib/clock.ts'
import { closeServer } from '../../lib/close-server.ts'
import { listenError } from '../../lib/listen-error.ts'
import { loadKey, type Sealer, sealer } from '../../lib/seal.ts'
import type { ComputeDriver } from '../compute/types.ts'
import type { Database } from '../db/types.ts'
import { endpointsFor } from '../identity/endpoints.ts'
import type { TokenValidator } from '../identity/types.ts'
import type { RpcClient } from '../rpc/types.ts'
import { imagePolicyOf } from '../settings/image-policy.ts'
import type { Settings } from '../settings/types.ts'
import { configRenderer } from './config-renderer.ts'
import { hubMessages, type Messages, remoteMessages } from './messages.ts'
import type { ServiceName } from './services.ts'

export interface ControlPlaneOptions {
  readonly services: ReadonlySet<ServiceName>
  readonly clock: Clock
  readonly log: Logger
  /** Told what is done now, before it is done: "opening the database". */
  readonly onStep?: (step: string) => void
}

/** Services of one process, all answering. */
export interface ControlPlane {
  /** Where they answer: `identity`, `database` (the API), `hub`. */
  readonly endpoints: Readonly<Record<string, string>>
  /** Takes no new work, gives leases back, closes. Guests go on running. */
  readonly stop: () => Promise<void>
}

/** What the services of a process share. */
interface Ground {
  readonly settings: Settings
  readonly db: Database
  readonly compute: ComputeDriver | undefined
  readonly key: Buffer
  readonly sealer: Sealer
  readonly messages: Messages
  readonly clock: Clock
  readonly log: Logger
  readonly release: (name: string, release: () => Promise<void>) => void
}

/**
 * Starts services in this process, each after what it stands on. When one cannot start, those that did are stopped.
 *
 * @throws CofferError of whatever could not be opened
 */
export async function startControlPlane(
  settings: Settings,
  { services, clock, log, onStep = () => undefined }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const cleanup = cleanupStack()
  const release = (name: string, action: () => Promise<void>): void => {
    cleanup.defer(name, action)
  }
  try {
    const ground = await layGround(settings, services, { clock, log, onStep, release })
    const endpoints: Record<string, string> = {}
    if (ground.messages.hub !== undefined) endpoints.hub = ground.messages.hub
    if (services.has('conductor')) {
      onStep('starting the conductor')
      await conductor(ground)
    }
    if (services.has('taskmanager')) {
      onStep('starting the task manager')
      await taskManager(ground)
    }
    if (services.has('api')) {
      onStep('starting the identity')
      const validator = await identity(ground, services.has('identity'), endpoints)
      onStep('starting the API')
      await api(ground, validator)
      endpoints.database = `${endpointsFor(settings).database}/v1.0`
    }
    return { endpoints, stop: cleanup.release }
  } catch (error) {
    await cleanup
      .release()
      .catch((failure: unknown) => log.error({ err: failure }, 'A failed start left something open'))
    throw error
  }
}

async function layGround(
  settings: Settings,
  services: ReadonlySet<ServiceName>,
  {
    clock,
    log,
    onStep,
    release,
  }: Pick<Ground, 'clock' | 'log' | 'release'> & { onStep: (step: string) => void },
): Promise<Ground> {
  await mkdir(settings.stateDir, { recursive: true, mode: 0o700 })
  onStep('reading the secret key')
  const key = await loadKey(join(settings.stateDir, 'secret.key'))
  const seal = sealer(key)
  onStep('opening the infrastructure database')
  const { openDatabase } = await import('../db/index.ts')
  const db = await openDatabase(settings.databaseUrl, { clock })
  release('the database', () => db.close())
  let compute: ComputeDriver | undefined
  if (services.has('api') || services.has('taskmanager')) {
    onStep(`opening the compute driver ${settings.computeDriver}`)
    const { openCompute } = await import('../compute/index.ts')
    compute = await openCompute(settings, { clock, log: log.child({ service: 'compute' }) })
    release('the compute driver', compute.close)
    if (services.has('taskmanager')) compute.warmUp()
  }
  onStep(services.has('hub') ? 'starting the message hub' : 'connecting to the message broker')
  const open = services.has('hub') ? hubMessages : remoteMessages
  const messages = await open({
    settings,
    db,
    key,
    sealer: seal,
    clock,
    log: log.child({ service: 'transport' }),
  })
  release('the messages', messages.close)
  return { settings, db, compute, key, sealer: seal, messages, clock, log, release }
}

async function conductor({ db, messages, clock, log, release }: Ground): Promise<void> {
  const { startConductor } = await import('../conductor/index.ts')
  const connection = await messages.connect('conductor')
  release("the conductor's connection", connection.close)
  const running = await startConductor({ db, connection, clock, log: log.child({ service: 'conductor' }) })
  release('the conductor', running.stop)
}

async function taskManager(ground: Ground): Promise<void> {
  const { settings, db, messages, clock, log, release, sealer: seal } = ground
  const { startTaskManager } = await import('../taskmanager/index.ts')
  const { openImageStore } = await import('../../registry/images/store.ts')
  const connection = await messages.connect('taskmanager')
  release("the task manager's connection", connection.close)
  const rpc = await rpcOf(ground, connection, 'taskmanager')
  const running = await startTaskManager({
    db,
    connection,
    rpc,
    compute: driverOf(ground),
    admin: await messages.admin(),
    images: openImageStore(join(settings.stateDir, 'images'), { clock, policy: imagePolicyOf(settings) }),
    renderConfig: configRenderer(settings.templatePath),
    settings,
    seal,
    clock,
    log: log.child({ service: 'taskmanager' }),
  })
  release('the task manager', running.stop)
}

async function identity(
  { settings, key, clock, log, release }: Ground,
  embedded: boolean,
  endpoints: Record<string, string>,
): Promise<TokenValidator> {
  const { keystoneValidator, startIdentity } = await import('../identity/index.ts')
  if (embedded) {
    const running = await startIdentity({ settings, key, clock, log: log.child({ service: 'identity' }) })
    release('the identity', running.stop)
    endpoints.identity = running.authUrl
    return running.validator
  }
  const { authUrl, adminRoles } = settings
  if (authUrl === undefined) throw new TypeError('Without a Keystone the identity is embedded')
  const validator = keystoneValidator({ authUrl, adminRoles, clock })
  release('the token validator', validator.close)
  endpoints.identity = authUrl
  return validator
}

async function api(ground: Ground, validator: TokenValidator): Promise<void> {
  const { settings, db, messages, clock, log, release, sealer: seal } = ground
  const { buildApi } = await import('../api/index.ts')
  const connection = await messages.connect('api')
  release("the API's connection", connection.close)
  const rpc = await rpcOf(ground, connection, 'api')
  const app = await buildApi({
    db,
    rpc,
    identity: validator,
    flavors: driverOf(ground).flavors,
    settings,
    clock,
    seal,
    log: log.child({ service: 'api' }),
    registry: db.datastores,
  })
  release('the API', () => closeServer(app))
  const address = { host: settings.bindHost, port: settings.bindPort }
  try {
    await app.listen(address)
  } catch (error) {
    throw listenError(error, 'The API', address, 'bind_port')
  }
}

async function rpcOf(
  { clock, log, release }: Ground,
  connection: Awaited<ReturnType<Messages['connect']>>,
  name: string,
): Promise<RpcClient> {
  const { rpcClient } = await import('../rpc/index.ts')
  const rpc = rpcClient(connection, { name, clock, log: log.child({ service: name }) })
  release(`the calls of ${name}`, rpc.close)
  return rpc
}

function driverOf({ compute }: Ground): ComputeDriver {
  if (compute === undefined) throw new TypeError('A process with this service opens the compute driver')
  return compute
}
