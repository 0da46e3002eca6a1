import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'
import type { DatabaseRole, DatastoreManager, Page, RootRole, UserRole } from '../../guestagent/types.ts'
import { fault } from '../../model/faults.ts'
import type { GuestDatabase, GuestUser, PrepareArgs } from '../../rpc/guest-methods.ts'

/** An engine that is a JSON file: what a fake server's database would remember. */
export interface FakeEngine {
  readonly status: 'running' | 'shutdown'
  readonly prepared: boolean
  readonly startsWithMachine: boolean
  readonly databases: readonly GuestDatabase[]
  readonly users: readonly GuestUser[]
  readonly rootPassword: string | null
  /** The rendered configuration that `prepare` brought. */
  readonly configuration: string
}

const NEW: FakeEngine = {
  status: 'shutdown',
  prepared: false,
  startsWithMachine: true,
  databases: [],
  users: [],
  rootPassword: null,
  configuration: '',
}

const ANY_HOST = '%'
const hostOf = ({ _host = ANY_HOST }: GuestUser) => _host
const markerOf = (user: GuestUser) => `${user._name}@${hostOf(user)}`

export interface FakeManagerOptions {
  /** Where the engine's file is kept: one directory for each server. */
  readonly directory: string
  /** Called in the middle of `prepare`, which fails if this throws. */
  readonly preparing: () => Promise<void>
}

/**
 * A datastore manager without an engine, with the rules of one: for guests of the fake compute driver. Opening it is the boot
 * of its machine, which starts a prepared engine.
 */
export async function openFakeManager({
  directory,
  preparing,
}: FakeManagerOptions): Promise<DatastoreManager> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const change = async (patch: Partial<FakeEngine>) => {
    const text = JSON.stringify({ ...(await readEngine(directory)), ...patch })
    await writeAtomically(join(directory, FILE), text, 0o600)
  }
  const engine = () => readEngine(directory)
  const { prepared, startsWithMachine } = await engine()
  if (prepared && startsWithMachine) await change({ status: 'running' })
  return {
    name: 'fake',
    dataPath: directory,
    async prepare(args: PrepareArgs, progress) {
      progress('starting the fake engine')
      await preparing()
      await change({
        status: 'running',
        prepared: true,
        configuration: args.config_contents,
        ...(args.root_password === undefined ? {} : { rootPassword: args.root_password }),
      })
    },
    start: () => change({ status: 'running', startsWithMachine: true }),
    stop: ({ doNotStartOnReboot }) => change({ status: 'shutdown', startsWithMachine: !doNotStartOnReboot }),
    restart: () => change({ status: 'running', startsWithMachine: true }),
    status: async () => (await engine()).status,
    databases: databaseRole(engine, change),
    users: userRole(engine, change),
    root: rootRole(engine, change),
  }
}

const FILE = 'engine.json'

/** What a fake server's database remembers now. */
export async function readEngine(directory: string): Promise<FakeEngine> {
  try {
    return { ...NEW, ...(JSON.parse(await readFile(join(directory, FILE), 'utf8')) as Partial<FakeEngine>) }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return NEW
    throw error
  }
}

type Engine = () => Promise<FakeEngine>
type Change = (patch: Partial<FakeEngine>) => Promise<void>

function databaseRole(engine: Engine, change: Change): DatabaseRole {
  return {
    async create(databases) {
      const { databases: old } = await engine()
      const known = databases.find(({ _name }) => old.some((database) => database._name === _name))
      if (known !== undefined) throw fault('DATABASE_ALREADY_EXISTS', { name: known._name })
      await change({ databases: [...old, ...databases] })
    },
    async delete({ _name }) {
      const { databases } = await engine()
      const rest = databases.filter((database) => database._name !== _name)
      if (rest.length === databases.length) throw fault('DATABASE_NOT_FOUND', { uuid: _name })
      await change({ databases: rest })
    },
    list: async (page) => pageOf((await engine()).databases, page, ({ _name }) => _name),
  }
}

function userRole(engine: Engine, change: Change): UserRole {
  const is = (name: string, host: string) => (user: GuestUser) => user._name === name && hostOf(user) === host
  const required = async (name: string, host: string): Promise<GuestUser> => {
    const user = (await engine()).users.find(is(name, host))
    if (user === undefined) throw fault('USER_NOT_FOUND', { uuid: name })
    return user
  }
  const replace = async (old: GuestUser, next: GuestUser) =>
    change({ users: (await engine()).users.map((user) => (markerOf(user) === markerOf(old) ? next : user)) })
  return {
    async create(users) {
      const { users: old } = await engine()
      const known = users.find((user) => old.some(is(user._name, hostOf(user))))
      if (known !== undefined) throw fault('USER_ALREADY_EXISTS', { name: known._name })
      await change({ users: [...old, ...users] })
    },
    async delete(user) {
      const gone = await required(user._name, hostOf(user))
      const { users } = await engine()
      await change({ users: users.filter((one) => markerOf(one) !== markerOf(gone)) })
    },
    list: async (page) => pageOf((await engine()).users.map(withoutPassword), page, markerOf),
    async get(name, host) {
      const user = (await engine()).users.find(is(name, host))
      return user === undefined ? null : withoutPassword(user)
    },
    async changePasswords(users) {
      for (const user of users) {
        const old = await required(user._name, hostOf(user))
        await replace(old, { ...old, _password: user._password ?? '' })
      }
    },
    async updateAttributes(name, host, attributes) {
      const old = await required(name, host)
      await replace(old, {
        ...old,
        _name: attributes.name ?? old._name,
        _host: attributes.host ?? hostOf(old),
        ...(attributes.password === undefined ? {} : { _password: attributes.password }),
      })
    },
    access: {
      list: async (name, host) => (await required(name, host))._databases ?? [],
      async grant(name, host, databases) {
        const user = await required(name, host)
        const names = new Set([...(user._databases ?? []).map(({ _name }) => _name), ...databases])
        await replace(user, { ...user, _databases: [...names].map((_name) => ({ _name })) })
      },
      async revoke(name, host, database) {
        const user = await required(name, host)
        const rest = (user._databases ?? []).filter(({ _name }) => _name !== database)
        await replace(user, { ...user, _databases: rest })
      },
    },
  }
}

function rootRole(engine: Engine, change: Change): RootRole {
  return {
    async enable(password = randomBytes(18).toString('hex')) {
      await change({ rootPassword: password })
      return { _name: 'root', _host: ANY_HOST, _password: password }
    },
    disable: () => change({ rootPassword: null }),
    isEnabled: async () => (await engine()).rootPassword !== null,
  }
}

function withoutPassword({ _password, ...user }: GuestUser): GuestUser {
  return { ...user, _host: hostOf(user) }
}

function pageOf<T>(
  items: readonly T[],
  { limit, marker = '', includeMarker = false }: Page,
  nameOf: (item: T) => string,
): readonly [readonly T[], string | null] {
  const rest = items
    .filter((item) => (includeMarker ? nameOf(item) >= marker : nameOf(item) > marker))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return [page, rest.length > limit && last !== undefined ? nameOf(last) : null]
}
