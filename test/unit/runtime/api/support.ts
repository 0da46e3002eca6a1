import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { CofferError } from '../../../../lib/errors.ts'
import { sealer } from '../../../../lib/seal.ts'
import type { DatastoreRegistrar } from '../../../../registry/db/types.ts'
import type { ApiDeps } from '../../../../runtime/api/deps.ts'
import { type ApiOptions, buildApi } from '../../../../runtime/api/index.ts'
import { openDatabase } from '../../../../runtime/db/index.ts'
import type { Database } from '../../../../runtime/db/types.ts'
import type { AuthContext, TokenValidator } from '../../../../runtime/identity/types.ts'
import type { Flavor } from '../../../../runtime/model/flavor.ts'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import type { Json, JsonObject, RpcClient } from '../../../../runtime/rpc/types.ts'
import type { DatastoreSettings, Settings } from '../../../../runtime/settings/types.ts'
import { expectDescribed } from './described.ts'

/** A clock that a test moves. */
export interface TestClock extends Clock {
  readonly advance: (ms: number) => void
}

export function testClock(start = new Date('2026-03-01T12:00:00Z')): TestClock {
  let now = start.getTime()
  return {
    now: () => new Date(now),
    sleep: async (ms) => {
      now += ms
    },
    advance: (ms) => {
      now += ms
    },
  }
}

const datastoreSettings = (manager: string): DatastoreSettings => ({
  tcpPorts: [{ from: 3306, to: 3306 }],
  udpPorts: [],
  mountPoint: '/var/lib/data',
  devicePath: '/dev/vdb',
  volumeSupport: manager !== 'redis',
  rootOnCreate: false,
  usageTimeout: 600,
  ignoreUsers: ['os_admin', 'root'],
  ignoreDbs: ['mysql', 'information_schema'],
})

/** Settings of a service that limits nothing by rate, so that tests may ask as often as they like. */
export function testSettings(changes: Partial<Settings> = {}): Settings {
  return {
    stateDir: '/nonexistent',
    databaseUrl: 'sqlite://',
    transportUrl: 'embedded://127.0.0.1:5671',
    transportAdminUrl: undefined,
    computeDriver: 'fake',
    requireSignedImages: false,
    trustedImageKeys: [],
    bindHost: '127.0.0.1',
    bindPort: 8779,
    publicEndpoint: undefined,
    identityBindHost: '127.0.0.1',
    identityBindPort: 5000,
    authUrl: undefined,
    region: 'RegionOne',
    adminRoles: ['admin'],
    defaultDatastore: undefined,
    instancesPageSize: 20,
    databasesPageSize: 20,
    usersPageSize: 20,
    httpGetRate: 0,
    httpPostRate: 0,
    httpPutRate: 0,
    httpDeleteRate: 0,
    httpMgmtPostRate: 0,
    maxInstancesPerTenant: 5,
    maxVolumesPerTenant: 20,
    maxBackupsPerTenant: 50,
    maxRamPerTenant: -1,
    maxAcceptedVolumeSize: 10,
    troveVolumeSupport: true,
    volumeFstype: 'ext4',
    hostnameRequireValidIp: true,
    reportInterval: 10,
    agentHeartbeatExpiry: 60,
    agentCallLowTimeout: 15,
    agentCallHighTimeout: 180,
    serverDeleteTimeOut: 60,
    volumeTimeOut: 60,
    stateChangeWaitTime: 180,
    securityGroupsSupport: true,
    securityGroupNamePrefix: 'SecGroup',
    securityGroupRuleCidr: '0.0.0.0/0',
    templatePath: '/nonexistent',
    datastore: datastoreSettings,
    qemu: { network: 'user', guestRange: '127.77.0.0/16', accelerator: 'tcg', firstUid: 0 },
    ...changes,
  }
}

const FLAVORS: readonly Flavor[] = [
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40, ephemeral: 0 },
  { id: 'tiny', name: 'db.tiny', ram: 512, vcpus: 1, disk: 5, ephemeral: 1 },
]

const person = (name: string, projectId: string, roles: readonly string[]): AuthContext => ({
  userId: `id-of-${name}`,
  userName: name,
  projectId,
  projectName: projectId,
  roles,
  isAdmin: roles.includes('admin'),
  expiresAt: new Date('2100-01-01T00:00:00Z'),
})

/** Tokens that the tests use, and whose they are. The word `down` stands for an identity that is out of reach. */
const PEOPLE: Readonly<Record<string, AuthContext>> = {
  alice: person('alice', 'project-a', ['member']),
  bob: person('bob', 'project-b', ['member']),
  admin: person('admin', 'project-x', ['admin']),
}

const identity: TokenValidator = {
  validate: async (token) => {
    if (token === 'down')
      throw new CofferError('IDENTITY_UNAVAILABLE', 'No Keystone there', { retryable: true })
    return Object.hasOwn(PEOPLE, token) ? PEOPLE[token] : undefined
  },
  close: async () => undefined,
}

/** What the service sent over RPC. */
export interface Sent {
  readonly queue: string
  readonly method: string
  readonly args: JsonObject
}

/** Stands for guests and the task manager: notes what is sent, and answers as the test says. */
export interface TestRpc extends RpcClient {
  readonly sent: Sent[]
  answer: (method: string, args: JsonObject, queue: string) => Json
}

export function testRpc(): TestRpc {
  const sent: Sent[] = []
  const rpc: TestRpc = {
    sent,
    answer: () => null,
    call: async (queue, method, args) => {
      sent.push({ queue, method, args })
      return rpc.answer(method, args, queue)
    },
    cast: async (queue, method, args) => {
      sent.push({ queue, method, args })
    },
    close: async () => undefined,
  }
  return rpc
}

export interface TestApi {
  readonly app: FastifyInstance
  readonly db: Database
  readonly registry: DatastoreRegistrar
  readonly rpc: TestRpc
  readonly clock: TestClock
  readonly unseal: (sealed: string) => string
  readonly logLines: string[]
  /** Asks as somebody below their own project: `ask('alice', 'GET', '/instances')`. */
  readonly ask: (who: string, method: string, path: string, body?: unknown) => Promise<Answer>
  /** An instance of Alice whose engine runs; gives its id. */
  readonly running: (options?: RunningOptions) => Promise<string>
}

interface RunningOptions {
  readonly who?: string
  readonly datastore?: string
  readonly name?: string
}

/** @property body the parsed JSON, or undefined for an empty body */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers of every shape
  readonly body: any
  readonly headers: LightMyRequestResponse['headers']
}

const tenantOf = (who: string) => PEOPLE[who]?.projectId ?? 'project-a'

/** The API on a real, empty database (SQLite in memory) in which the datastores mysql, postgresql and redis are registered. */
export async function testApi(
  changes: Partial<Settings> = {},
  deps: Partial<ApiDeps> = {},
  options: ApiOptions = {},
): Promise<TestApi> {
  const clock = testClock()
  const db = await openDatabase('sqlite://', { clock })
  const registry = db.datastores
  for (const name of ['mysql', 'postgresql', 'redis']) {
    await registry.putDatastore(name)
    const common = { datastore: name, manager: name, image_id: randomUUID(), packages: '' }
    const { id } = await registry.putVersion({ ...common, name: '1.0', active: true })
    await registry.putVersion({ ...common, name: 'old', active: false })
    await registry.putDatastore(name, id)
  }
  const rpc = testRpc()
  const key = sealer(randomBytes(32))
  const logLines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => logLines.push(line) })
  const settings = testSettings({ defaultDatastore: 'mysql', ...changes })
  const app = await buildApi(
    { db, rpc, identity, flavors: async () => FLAVORS, settings, clock, seal: key, log, registry, ...deps },
    options,
  )
  onTestFinished(async () => {
    await app.close()
    await db.close()
  })
  const ask = async (who: string, method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await app.inject({
      method: method as 'GET',
      url: path.startsWith('//') ? path.slice(1) : `/v1.0/${tenantOf(who)}${path}`,
      headers: {
        'x-auth-token': who,
        host: 'db.example:8779',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const { statusCode: status, headers } = answer
    const json = answer.body === '' ? undefined : JSON.parse(answer.body)
    expectDescribed(method, path, status, json)
    return { status, headers, body: json }
  }
  const running = async ({ who = 'alice', datastore = 'mysql', name = 'm1' }: RunningOptions = {}) => {
    const volume = datastore === 'redis' ? {} : { volume: { size: 1 } }
    const flavorRef = datastore === 'redis' ? 'tiny' : '2'
    const instance = { name, flavorRef, datastore: { type: datastore }, ...volume }
    const answer = await ask(who, 'POST', '/instances', { instance })
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    const { id } = answer.body.instance
    await db.instances.update(id, {
      task_code: INSTANCE_TASKS.NONE.code,
      server_status: 'ACTIVE',
      addresses: ['127.77.0.2'],
    })
    await db.statuses.set(id, SERVICE_STATUSES.RUNNING.code)
    rpc.sent.length = 0
    return id
  }
  return { app, db, registry, rpc, clock, unseal: key.open, logLines, ask, running }
}
