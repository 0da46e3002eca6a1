import { afterEach, describe, expect, test } from 'vitest'
import { bookRoutes, M1, M6, m6 } from './book-service.ts'
import { type CannedService, type Reply, type Routes, startCannedService } from './canned-service.ts'
import { openrc, trove } from './run.ts'

let service: CannedService | undefined
afterEach(() => service?.stop())

/** Replies of `GET /instances/{id}` one after the other; the last one stays. */
function looks(id: string, replies: readonly Reply[]): Routes {
  return {
    ...bookRoutes,
    [`GET /instances/${id}`]: (_request, times) => replies[times] ?? replies.at(-1) ?? {},
  }
}
const instance = (status: string, more: object = {}): Reply => ({
  body: { instance: { id: M6, name: 'm6', status, ...more } },
})
const gone: Reply = {
  status: 404,
  body: { itemNotFound: { code: 404, message: 'Resource cannot be found.' } },
}

async function run(routes: Routes, line: string, terminal = false) {
  service = await startCannedService(routes)
  return trove(line, openrc(service.url), { terminal })
}

describe('create --wait', () => {
  test('says each change of status, then prints the instance as it is and the password that was said once', async () => {
    const active = instance('ACTIVE', { ip: ['10.0.0.3'] })
    const ran = await run(
      looks(M6, [instance('BUILD'), instance('BUILD'), active]),
      'create m6 2 --size 2 --wait',
    )
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(/^m6: BUILD \(0s\)\nm6: ACTIVE \(\ds\)\n$/)
    expect(ran.stdout).toMatch(/\| status +\| ACTIVE +\|/)
    expect(ran.stdout).toMatch(/\| ip +\| 10\.0\.0\.3 +\|/)
    expect(ran.stdout).toContain(m6.password)
  })

  test('fails with the reason that the instance gives', async () => {
    const fault = { fault: { message: 'No valid host was found.', created: 't', details: 'long' } }
    const ran = await run(
      looks(M6, [instance('BUILD'), instance('ERROR', fault)]),
      'create m6 2 --size 2 --wait',
    )
    expect(ran.code).toBe(1)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toContain(
      `ERROR: instance m6 is in status ERROR: No valid host was found.\nhint: more with: trove show ${M6}\n`,
    )
  })

  test('gives up at its deadline', async () => {
    const ran = await run(looks(M6, [instance('BUILD')]), 'create m6 2 --size 2 --wait --wait-timeout 60')
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain(
      'ERROR: instance m6 did not get there within 60 s: the status is BUILD\nhint: ',
    )
  })

  test('outlives a service that is away for a moment', async () => {
    const away: Reply = { status: 503, body: { serviceUnavailable: { code: 503, message: 'Starting.' } } }
    const ran = await run(
      looks(M6, [instance('BUILD'), away, away, instance('ACTIVE')]),
      'create m6 2 --size 2 --wait',
    )
    expect(ran.code).toBe(0)
  })

  test('on a terminal keeps one line', async () => {
    const ran = await run(
      looks(M6, [instance('BUILD'), instance('ACTIVE')]),
      'create m6 2 --size 2 --wait',
      true,
    )
    expect(ran.stderr).toBe('\r\x1b[Km6: BUILD (0s)\r\x1b[Km6: ACTIVE (0s)\n')
  })

  test('with --json leaves the output stream to the JSON', async () => {
    const ran = await run(
      looks(M6, [instance('BUILD'), instance('ACTIVE')]),
      '--json create m6 2 --size 2 --wait',
    )
    expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'ACTIVE', password: m6.password })
  })
})

describe('delete --wait', () => {
  test('ends when the instance is gone', async () => {
    const ran = await run(looks(M6, [instance('SHUTDOWN'), gone]), 'delete m6 --wait')
    expect(ran).toMatchObject({ code: 0, stdout: '' })
    expect(ran.stderr).toMatch(/m6: SHUTDOWN \(0s\)\nm6: deleted \(0s\)\n$/)
  })

  test('does not take the failure of before for a failure to delete', async () => {
    const ran = await run(looks(M6, [instance('ERROR'), instance('SHUTDOWN'), gone]), 'delete m6 --wait')
    expect(ran.code).toBe(0)
  })

  test('fails when the instance ends in ERROR', async () => {
    expect((await run(looks(M6, [instance('SHUTDOWN'), instance('ERROR')]), 'delete m6 --wait')).code).toBe(1)
    await service?.stop()
    expect((await run(looks(M6, [instance('ERROR')]), 'delete m6 --wait')).code).toBe(1)
  })
})

test('restart --wait ends when the instance is ACTIVE again, and prints nothing else', async () => {
  const ran = await run(looks(M1, [instance('REBOOT'), instance('ACTIVE')]), 'restart m1 --wait')
  expect(ran).toMatchObject({ code: 0, stdout: '' })
})

test('an instance that is deleted while it is waited for is an error', async () => {
  const ran = await run(looks(M1, [instance('REBOOT'), gone]), 'restart m1 --wait')
  expect(ran.stderr).toContain('ERROR: instance m1 was deleted while it was waited for\n')
})

test('backup-create --wait ends with COMPLETED', async () => {
  const id = 'ff6398a6-e15f-4063-8c66-58f3a8528794'
  const backup = (status: string): Reply => ({ body: { backup: { id, name: 'b', status, size: 0.1 } } })
  const states = [backup('NEW'), backup('BUILDING'), backup('COMPLETED')]
  const routes = {
    ...bookRoutes,
    [`GET /backups/${id}`]: (_: unknown, times: number) => states[times] ?? gone,
  }
  const ran = await run(routes, 'backup-create m1 b --wait')
  expect(ran.code).toBe(0)
  expect(ran.stdout).toMatch(/\| status +\| COMPLETED/)
})

test('cluster-create --wait ends when the cluster has no task left', async () => {
  const id = 'd670484f-88b4-4465-888a-3b8bc0b0bdfc'
  const cluster = (name: string): Reply => ({
    body: { cluster: { id, name: 'c1', task: { name, description: '' } } },
  })
  const states = [cluster('BUILDING'), cluster('NONE')]
  const routes = {
    ...bookRoutes,
    [`GET /clusters/${id}`]: (_: unknown, times: number) => states[times] ?? gone,
  }
  const ran = await run(routes, 'cluster-create c1 mongodb 2.4.9 --instance flavor=2,volume=1 --wait')
  expect(ran.code).toBe(0)
  expect(ran.stderr).toMatch(/^c1: BUILDING \(0s\)\nc1: NONE/)
})

test('a deadline that is no number is refused', async () => {
  expect((await run(bookRoutes, 'delete m6 --wait --wait-timeout soon')).stderr).toContain(
    "ERROR: --wait-timeout: 'soon' is not a number of seconds",
  )
})
