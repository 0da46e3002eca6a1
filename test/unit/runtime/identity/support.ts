import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { type Authority, openAuthority } from '../../../../runtime/identity/authority.ts'
import { addProject, addUser, newProject, newUser } from '../../../../runtime/identity/changes.ts'
import { endpointsFor } from '../../../../runtime/identity/endpoints.ts'
import { hashPassword } from '../../../../runtime/identity/passwords.ts'
import { newId } from '../../../../runtime/identity/records.ts'
import { buildIdentityService, type IdentityApp } from '../../../../runtime/identity/service/index.ts'
import { type IdentityStore, openIdentityStore } from '../../../../runtime/identity/store.ts'
import { tokenSigner } from '../../../../runtime/identity/tokens.ts'

/** A clock that stands until it is moved; sleeping moves it. */
export interface HandClock extends Clock {
  readonly move: (ms: number) => void
  readonly slept: () => readonly number[]
}

export function handClock(start = Date.UTC(2026, 10, 23, 12)): HandClock {
  let now = start
  const slept: number[] = []
  return {
    now: () => new Date(now),
    sleep(ms) {
      now += ms
      slept.push(ms)
      return Promise.resolve()
    },
    move(ms) {
      now += ms
    },
    slept: () => slept,
  }
}

export const HOUR = 3600_000
export const BOB_PASSWORD = 'it\'s "bob" – $HOME'

/** A real hash takes its time on purpose; these are checked hundreds of times. */
const CHEAP = { N: 16, r: 8, p: 1 }
const adminPassword = 'admin password'

export interface TestIdentity {
  readonly file: string
  readonly store: IdentityStore
  readonly authority: Authority
  readonly app: IdentityApp
  readonly clock: HandClock
  readonly adminPassword: string
  /** Logs in and gives the token. */
  readonly tokenOf: (user: string, password: string, project?: string) => Promise<string>
}

/** An identity with the administrator, and `bob` who has the role member in the project demo. */
export async function testIdentity(): Promise<TestIdentity> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-identity-'))
  onTestFinished(() => removeTree(directory))
  const file = join(directory, 'identity.json')
  const clock = handClock()
  const store = await openIdentityStore(file)
  const admin = newUser({ name: 'admin', passwordHash: await hashPassword(adminPassword, CHEAP) })
  const project = newProject({ name: 'admin', description: 'The administrators of this service.' })
  const roles = ['admin', 'member'].map((name) => ({ id: newId(), name, description: '' }))
  await store.change(({ data }) => ({
    ...data,
    users: [{ ...admin, defaultProjectId: project.id }],
    projects: [project],
    roles,
    assignments: [{ userId: admin.id, projectId: project.id, roleId: roles[0]?.id ?? '' }],
  }))
  const demo = newProject({ name: 'demo' })
  const bob = newUser({
    name: 'bob',
    passwordHash: await hashPassword(BOB_PASSWORD, CHEAP),
    defaultProjectId: demo.id,
  })
  await store.change(addProject(demo))
  await store.change(addUser(bob))
  const member = store.view().data.roles.find(({ name }) => name === 'member')
  await store.change(({ data }) => ({
    ...data,
    assignments: [...data.assignments, { userId: bob.id, projectId: demo.id, roleId: member?.id ?? '' }],
  }))
  const authority = openAuthority({
    store,
    signer: tokenSigner(Buffer.alloc(32, 1)),
    clock,
    lifetimeMs: HOUR,
  })
  const settings = {
    bindHost: '127.0.0.1',
    bindPort: 8779,
    identityBindHost: '127.0.0.1',
    identityBindPort: 5000,
    publicEndpoint: undefined,
    region: 'RegionOne',
  }
  const app = buildIdentityService({
    store,
    authority,
    endpoints: (host) => endpointsFor(settings, host),
    adminRoles: ['admin'],
    clock,
    log: { error: () => undefined },
  })
  onTestFinished(() => app.close())
  const tokenOf = async (name: string, password: string, project?: string) => {
    const live = await authority.login({
      password: { user: { name }, password },
      scope: project === undefined ? 'default' : { project: { name: project } },
      address: '127.0.0.1',
    })
    return live.token
  }
  return { file, store, authority, app, clock, adminPassword, tokenOf }
}
