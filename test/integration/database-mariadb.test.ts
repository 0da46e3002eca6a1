import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../runtime/db/index.ts'
import { processSuite, repositorySuite } from '../contract/database/suite.ts'
import { startProxy } from './breakable-proxy.ts'
import { type MariadbServer, startMariadb } from './mariadb-server.ts'

let server: MariadbServer | undefined
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server?.stop())

function running(): MariadbServer {
  if (server === undefined) throw new Error('MariaDB was not started')
  return server
}

const engine = { name: 'MariaDB', emptyUrl: () => running().emptyUrl() }

let reused: string | undefined
repositorySuite({
  name: 'MariaDB',
  emptyUrl: async () => {
    if (reused === undefined) reused = await running().emptyUrl()
    else await running().clear(reused)
    return reused
  },
})
processSuite(engine)

describe('a MariaDB that cannot be used', () => {
  test('while it is away a request fails for now; when it is back the next one succeeds', async () => {
    const url = await engine.emptyUrl()
    const proxy = await startProxy(Number(new URL(url).port))
    const db = await openDatabase(url.replace(/:\d+\//, `:${proxy.port}/`))
    expect(await db.instances.living()).toEqual([])
    await proxy.breakOff()
    const away = { code: 'DATABASE_UNAVAILABLE', retryable: true }
    await expect(db.instances.living()).rejects.toMatchObject(away)
    await expect(db.transaction(async ({ instances }) => instances.living())).rejects.toMatchObject(away)
    await proxy.listen()
    expect(await db.transaction(async ({ instances }) => instances.living())).toEqual([])
    await db.close()
    await proxy.breakOff()
  })

  test('a wrong password is told without it', async () => {
    const url = (await engine.emptyUrl()).replace(/:[^:@]+@/, ':hunter2@')
    const error = await openDatabase(url).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
    expect(String(error)).toContain('coffer:***@127.0.0.1')
    expect(String(error)).not.toContain('hunter2')
  })

  test('a server that is not there is told at once', async () => {
    await expect(openDatabase('mysql://u:p@127.0.0.1:1/db')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      retryable: true,
    })
  })
})
