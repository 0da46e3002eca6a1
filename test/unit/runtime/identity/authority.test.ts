import { readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  changeProject,
  changeUser,
  keepingAnAdmin,
  removeUser,
  takeBack,
} from '../../../../runtime/identity/changes.ts'
import { firstStart } from '../../../../runtime/identity/first-start.ts'
import { generatePassword, hashPassword, passwordChecker } from '../../../../runtime/identity/passwords.ts'
import { openIdentityStore } from '../../../../runtime/identity/store.ts'
import { BOB_PASSWORD, HOUR, testIdentity } from './support.ts'

describe('a token is worth nothing any more', () => {
  test('when its hour is over', async () => {
    const { authority, tokenOf, clock } = await testIdentity()
    const token = await tokenOf('bob', BOB_PASSWORD)
    clock.move(HOUR - 1)
    expect(authority.check(token)?.user.name).toBe('bob')
    clock.move(1)
    expect(authority.check(token)).toBeUndefined()
  })

  test('when it was given back, also after a restart', async () => {
    const { authority, tokenOf, file } = await testIdentity()
    const token = await tokenOf('bob', BOB_PASSWORD)
    const other = await tokenOf('bob', BOB_PASSWORD)
    const live = authority.check(token)
    if (live === undefined) throw new Error('the token is good')
    await authority.revoke(live)
    expect(authority.check(token)).toBeUndefined()
    expect(authority.check(other)?.user.name).toBe('bob')
    expect((await openIdentityStore(file)).view().isRevoked(live.claims.auditIds[0])).toBe(true)
  })

  test('when the password was changed; one got with the new password is good', async () => {
    const { authority, store, tokenOf, clock } = await testIdentity()
    const token = await tokenOf('bob', BOB_PASSWORD)
    clock.move(1000)
    const id = store.view().userNamed('bob')?.id ?? ''
    await store.change(changeUser(id, { passwordHash: await hashPassword('new') }, clock.now().getTime()))
    expect(authority.check(token)).toBeUndefined()
    await expect(tokenOf('bob', BOB_PASSWORD)).rejects.toMatchObject({ code: 'IDENTITY_UNAUTHORIZED' })
    clock.move(1)
    expect(authority.check(await tokenOf('bob', 'new'))?.user.name).toBe('bob')
  })

  test('when the user was disabled or removed, the project disabled, or the role taken back', async () => {
    const { authority, store, tokenOf, clock } = await testIdentity()
    const bob = store.view().userNamed('bob')?.id ?? ''
    const demo = store.view().projectNamed('demo')?.id ?? ''
    const token = await tokenOf('bob', BOB_PASSWORD)
    await store.change(changeProject(demo, { enabled: false }))
    expect(authority.check(token)).toBeUndefined()
    await store.change(changeProject(demo, { enabled: true }))
    expect(authority.check(token)?.project?.name).toBe('demo')

    const member = store.view().rolesOf(bob, demo)[0]?.id ?? ''
    await store.change(takeBack({ userId: bob, projectId: demo, roleId: member }))
    expect(authority.check(token)).toBeUndefined()

    const unscoped = await tokenOf('bob', BOB_PASSWORD)
    expect(authority.check(unscoped)).toMatchObject({ project: undefined, roles: [] })
    clock.move(1000)
    await store.change(changeUser(bob, { enabled: false }, clock.now().getTime()))
    await store.change(changeUser(bob, { enabled: true }, clock.now().getTime()))
    expect(authority.check(unscoped)).toBeUndefined()
    await store.change(removeUser(bob))
    await expect(tokenOf('bob', BOB_PASSWORD)).rejects.toMatchObject({ code: 'IDENTITY_UNAUTHORIZED' })
  })
})

describe('a login', () => {
  test('is refused in the same words for a wrong name, password, project or domain', async () => {
    const { authority } = await testIdentity()
    const refusals = await Promise.allSettled(
      [
        { user: { name: 'nobody' }, password: BOB_PASSWORD, project: 'demo' },
        { user: { name: 'bob' }, password: 'wrong', project: 'demo' },
        { user: { name: 'bob' }, password: BOB_PASSWORD, project: 'nowhere' },
        { user: { name: 'bob' }, password: BOB_PASSWORD, project: 'admin' },
        { user: { name: 'bob', domain: { name: 'elsewhere' } }, password: BOB_PASSWORD, project: 'demo' },
      ].map(({ user, password, project }) =>
        authority.login({
          password: { user, password },
          scope: { project: { name: project } },
          address: '127.0.0.1',
        }),
      ),
    )
    const words = refusals.map((refusal) =>
      refusal.status === 'rejected' ? refusal.reason.message : 'let in',
    )
    expect(new Set(words)).toEqual(new Set(['The request you have made requires authentication.']))
  })

  test('with a token gives one that ends with it, so that no token lives for ever', async () => {
    const { authority, tokenOf, clock } = await testIdentity()
    const first = authority.check(await tokenOf('bob', BOB_PASSWORD))
    clock.move(HOUR / 2)
    const second = await authority.login({
      token: first?.token ?? '',
      scope: { project: { name: 'demo' } },
      address: '127.0.0.1',
    })
    expect(second.claims.expiresAt).toBe(first?.claims.expiresAt)
    expect(second.claims.methods).toEqual(['password', 'token'])
    expect(second.claims.auditIds[1]).toBe(first?.claims.auditIds[0])
  })
})

test('a first start makes the administrator once, and tells the password before it counts', async () => {
  const { file } = await testIdentity()
  const store = await openIdentityStore(`${file}.first`)
  let told = ''
  const first = await firstStart(store, async (password) => {
    expect(store.view().data.users).toEqual([])
    told = password
  })
  expect(first).toBe(true)
  const [admin] = store.view().data.users
  const [project] = store.view().data.projects
  expect([admin?.name, project?.name, admin?.defaultProjectId]).toEqual(['admin', 'admin', project?.id])
  expect(
    store
      .view()
      .rolesOf(admin?.id ?? '', project?.id ?? '')
      .map(({ name }) => name),
  ).toEqual(['admin'])
  expect(store.view().data.roles.map(({ name }) => name)).toEqual(['admin', 'member', 'reader'])
  expect(await passwordChecker().check(admin?.passwordHash ?? undefined, told)).toBe(true)
  expect(await firstStart(store, () => Promise.reject(new Error('must not be told again')))).toBe(false)
})

describe('the file of users', () => {
  test('is readable by its owner only and holds no password', async () => {
    const { file, adminPassword } = await testIdentity()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const text = await readFile(file, 'utf8')
    expect(text).toContain('"bob"')
    expect(text).not.toContain(adminPassword)
  })

  test('keeps its old content when a change is refused', async () => {
    const { store, file } = await testIdentity()
    const before = await readFile(file, 'utf8')
    const admin = store.view().userNamed('admin')?.id ?? ''
    await expect(store.change(keepingAnAdmin(removeUser(admin), ['admin']))).rejects.toMatchObject({
      code: 'IDENTITY_LAST_ADMIN',
    })
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(store.view().user(admin)?.name).toBe('admin')
  })

  test('is not taken for an empty one when it is damaged', async () => {
    const { file } = await testIdentity()
    await writeFile(file, '{"version": 1, "us')
    await expect(openIdentityStore(file)).rejects.toMatchObject({ code: 'IDENTITY_FILE_DAMAGED' })
  })

  test.each(['users', 'projects', 'roles', 'assignments', 'revoked'])(
    'is refused at once when one of its %s is no such thing',
    async (list) => {
      const { file, store } = await testIdentity()
      for (const wrong of [null, 'x', {}, { id: 7, name: 'x' }]) {
        await writeFile(file, JSON.stringify({ ...store.view().data, [list]: [wrong] }))
        await expect(openIdentityStore(file)).rejects.toMatchObject({ code: 'IDENTITY_FILE_DAMAGED' })
      }
      await writeFile(file, JSON.stringify(store.view().data))
      expect((await openIdentityStore(file)).view().data).toEqual(store.view().data)
    },
  )
})

describe('a password', () => {
  test('is told from others by its hash, which differs each time', async () => {
    const { check } = passwordChecker()
    const [hash, again] = [await hashPassword('päss wörd'), await hashPassword('päss wörd')]
    expect(hash).not.toBe(again)
    expect(await check(hash, 'päss wörd')).toBe(true)
    expect(await check(hash, 'päss wörd')).toBe(true)
    expect(await check(hash, 'päss word')).toBe(false)
    expect(await check(again, 'päss wörd')).toBe(true)
    expect(await check(undefined, 'päss wörd')).toBe(false)
    expect(await check('not a hash', 'päss wörd')).toBe(false)
  })

  test('that is generated is long, and safe in any shell or file', () => {
    const generated = Array.from({ length: 50 }, () => generatePassword())
    expect(new Set(generated).size).toBe(50)
    for (const password of generated) expect(password).toMatch(/^[a-zA-Z2-9]{24}$/)
  })
})
