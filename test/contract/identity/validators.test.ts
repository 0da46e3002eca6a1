import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { embeddedValidator } from '../../../runtime/identity/embedded.ts'
import { keystoneValidator } from '../../../runtime/identity/keystone.ts'
import type { TokenValidator } from '../../../runtime/identity/types.ts'
import { BOB_PASSWORD, HOUR, type TestIdentity, testIdentity } from '../../unit/runtime/identity/support.ts'

/** The Keystone here is our own over HTTP: a stand-in, for a real one needs a machine of its own. */
const members: readonly (readonly [string, (identity: TestIdentity) => Promise<TokenValidator>])[] = [
  ['embedded', async ({ authority }) => embeddedValidator(authority, ['admin'])],
  [
    'keystone',
    async ({ app, clock }) => {
      const authUrl = `${await app.listen({ host: '127.0.0.1', port: 0 })}/v3`
      const validator = keystoneValidator({ authUrl, adminRoles: ['admin'], clock })
      onTestFinished(() => validator.close())
      return validator
    },
  ],
]

describe.each(members)('the token validator %s', (_, open) => {
  test("gives the user, the project and the roles of a project's token", async () => {
    const identity = await testIdentity()
    const validator = await open(identity)
    const { user, project } = identity.authority.check(await identity.tokenOf('bob', BOB_PASSWORD)) ?? {}
    expect(await validator.validate(await identity.tokenOf('bob', BOB_PASSWORD))).toEqual({
      userId: user?.id,
      userName: 'bob',
      projectId: project?.id,
      projectName: 'demo',
      roles: ['member'],
      isAdmin: false,
      expiresAt: new Date(identity.clock.now().getTime() + HOUR),
    })
    const admin = await validator.validate(await identity.tokenOf('admin', identity.adminPassword))
    expect(admin).toMatchObject({ userName: 'admin', roles: ['admin'], isAdmin: true })
  })

  test('knows nothing of unscoped, forged and expired tokens, and of what is no token', async () => {
    const identity = await testIdentity()
    const validator = await open(identity)
    const unscoped = await identity.authority.login({
      password: { user: { name: 'bob' }, password: BOB_PASSWORD },
      scope: 'unscoped',
      address: '127.0.0.1',
    })
    const token = await identity.tokenOf('bob', BOB_PASSWORD)
    for (const bad of [unscoped.token, `${token.slice(0, -2)}AA`, '', 'x', 'ü', 'a\nb', 'x'.repeat(10_000)]) {
      expect(await validator.validate(bad)).toBeUndefined()
    }
    expect(await validator.validate(token)).toMatchObject({ userName: 'bob' })
    identity.clock.move(HOUR)
    expect(await validator.validate(token)).toBeUndefined()
  })

  test('no longer knows a token that was revoked, a minute later at the latest', async () => {
    const identity = await testIdentity()
    const validator = await open(identity)
    const token = await identity.tokenOf('bob', BOB_PASSWORD)
    expect(await validator.validate(token)).toMatchObject({ userName: 'bob' })
    const live = identity.authority.check(token)
    if (live === undefined) throw new Error('the token is good')
    await identity.authority.revoke(live)
    identity.clock.move(60_000)
    expect(await validator.validate(token)).toBeUndefined()
  })
})

describe('the validator of a Keystone', () => {
  const answering = async (status: number, body: string) => {
    let asked = 0
    const server = createServer((_, response) => {
      asked++
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
    const authUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { authUrl, asked: () => asked }
  }
  const clockNow = { now: () => new Date(), sleep: () => Promise.resolve() }

  test('asks once for a token that many requests bring at a time', async () => {
    const body = {
      token: {
        expires_at: '2999-01-01T00:00:00.000000Z',
        user: { id: 'u', name: 'bob' },
        project: { id: 'p', name: 'demo' },
        roles: [{ name: 'member' }],
      },
    }
    const { authUrl, asked } = await answering(200, JSON.stringify(body))
    const validator = keystoneValidator({ authUrl, adminRoles: ['admin'], clock: clockNow })
    const answers = await Promise.all(Array.from({ length: 20 }, () => validator.validate('t')))
    await validator.validate('t')
    expect(answers.map((answer) => answer?.projectId)).toEqual(Array(20).fill('p'))
    expect(asked()).toBe(1)
    await validator.close()
  })

  test.each([
    ['it answers an error', 500, '{}'],
    ['it answers no JSON', 200, '<html>'],
    ['its policy forbids', 403, '{}'],
  ])('says that the identity is unavailable when %s', async (_, status, body) => {
    const { authUrl } = await answering(status, body)
    const validator = keystoneValidator({ authUrl, adminRoles: ['admin'], clock: clockNow })
    await expect(validator.validate('t')).rejects.toMatchObject({
      code: 'IDENTITY_UNAVAILABLE',
      retryable: true,
    })
  })

  test('says so too when nobody listens there', async () => {
    const validator = keystoneValidator({ authUrl: 'http://127.0.0.1:1/v3', adminRoles: [], clock: clockNow })
    await expect(validator.validate('t')).rejects.toMatchObject({ code: 'IDENTITY_UNAVAILABLE' })
  })
})
