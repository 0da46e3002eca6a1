// The control plane as a person runs it, with Debian's unmodified openstack client (python3-openstackclient and
// python3-troveclient). The machines are fake, their guests run the real agent.
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isRunning, residentBytes } from '../../lib/process-id.ts'
import { readRunFile } from '../../runtime/control/run-file.ts'
import { controlPlace, eventually, type Place, readLog, readOpenrc } from './control-support.ts'

beforeAll(() => {
  if (!existsSync('/usr/bin/openstack')) {
    throw new Error('This test needs: apt-get install python3-openstackclient python3-troveclient')
  }
})

interface Row {
  readonly ID: string
  readonly Name: string
  readonly Status: string
}

const instance = (place: Place, name: string) =>
  place.json<{ status: string; id: string }>('database', 'instance', 'show', name)

describe('coffer up', () => {
  test('brings up a service in which the openstack client makes, uses and deletes an instance', async () => {
    const place = await controlPlace()
    const first = await place.ours('coffer', 'up')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toMatch(/^The service runs \(process \d+, started in [\d.]+ s\)\.$/m)
    expect(first.stdout).toContain(`. ${place.stateDir}/openrc\n`)
    expect(first.stdout).toContain('build-image mysql --register\n')

    await place.register('mysql', '9.7')
    const again = await place.ours('coffer', 'up')
    expect(again.exitCode).toBe(0)
    expect(again.stdout).toContain('The service runs already')
    expect(again.stdout).toContain('trove create m1 2 --size 1 --datastore mysql\n')

    await place.playGuests()
    const created = await place.openstack(
      'database',
      'instance',
      'create',
      'm1',
      '--flavor',
      '2',
      '--size',
      '1',
      '--datastore',
      'mysql',
      '--datastore-version',
      '9.7',
      '--nic',
      'net-id=none',
      '--databases',
      'shop',
    )
    expect(created.stderr).toBe('')
    await eventually(
      'the instance',
      () => instance(place, 'm1'),
      ({ status }) => !/BUILD/.test(status),
    )
    expect((await instance(place, 'm1')).status).toMatch(/^(ACTIVE|HEALTHY)$/)
    expect(await place.json('database', 'db', 'list', 'm1')).toEqual([{ Name: 'shop' }])
    expect(JSON.parse((await place.ours('coffer', 'status', '--json')).stdout)).toMatchObject({
      running: true,
      services: [
        { name: 'identity', answers: true },
        { name: 'database', answers: true },
      ],
      instances: { total: 1, running: 1 },
    })

    expect((await place.ours('coffer', 'logs', 'm1')).stdout).toContain('fake firmware: booting')

    expect((await place.ours('coffer', 'down')).stdout).toContain('Database instances go on running')
    expect((await place.ours('coffer', 'status')).exitCode).toBe(1)
    await place.ours('coffer', 'up')
    const [listed] = await place.json<Row[]>('database', 'instance', 'list')
    expect(listed).toMatchObject({ Name: 'm1' })
    expect((await place.openstack('database', 'instance', 'delete', 'm1')).stderr).toBe('')
    await eventually(
      'the end of m1',
      () => place.json<Row[]>('database', 'instance', 'list'),
      (rows) => rows.length === 0,
    )
  })

  test('makes an administrator who makes tenants with the openstack client', async () => {
    const place = await controlPlace()
    await place.ours('coffer', 'up')
    const token = await place.json<{ id: string; project_id: string }>('token', 'issue')
    expect(token.id).toMatch(/^[\w-]+$/)
    const catalog = await place.json<{ Name: string; Type: string; Endpoints: { url: string }[] }[]>(
      'catalog',
      'list',
    )
    expect(catalog.map(({ Name, Type }) => [Name, Type])).toEqual([
      ['trove', 'database'],
      ['keystone', 'identity'],
    ])
    expect(catalog[0]?.Endpoints[0]?.url).toBe(`http://127.0.0.1:${place.ports.api}/v1.0/${token.project_id}`)

    expect((await place.openstack('project', 'create', 'team')).stderr).toBe('')
    expect(
      (await place.openstack('user', 'create', 'eve', '--project', 'team', '--password', `q'"x`)).stderr,
    ).toBe('')
    expect(
      (await place.openstack('role', 'add', '--project', 'team', '--user', 'eve', 'member')).stderr,
    ).toBe('')
    expect(await place.json('role', 'assignment', 'list', '--names', '--user', 'eve')).toMatchObject([
      { Role: 'member', User: 'eve@Default', Project: 'team@Default' },
    ])
    expect(await place.json('database', 'quota', 'show', 'team')).toContainEqual({
      Resource: 'instances',
      'In Use': 0,
      Reserved: 0,
      Limit: 10,
    })
    const asEve = ['--os-username', 'eve', '--os-password', `q'"x`, '--os-project-name', 'team'] as const
    expect(await place.json(...asEve, 'database', 'instance', 'list')).toEqual([])
    expect((await place.openstack(...asEve, 'user', 'list')).stderr).toContain('HTTP 403')
    expect((await place.openstack('--os-password', 'wrong', 'token', 'issue')).stderr).toContain('HTTP 401')
    await place.openstack('token', 'revoke', token.id)
    const revoked = await fetch(`http://127.0.0.1:${place.ports.api}/v1.0/${token.project_id}/instances`, {
      headers: { 'X-Auth-Token': token.id },
    })
    expect(revoked.status).toBe(401)

    // The book's own session: curl against v2.0.
    const { OS_PASSWORD: password } = await readOpenrc(join(place.stateDir, 'openrc'))
    const v2 = await fetch(`http://127.0.0.1:${place.ports.identity}/v2.0/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        auth: { tenantName: 'admin', passwordCredentials: { username: 'admin', password } },
      }),
    })
    const { access } = (await v2.json()) as { access: { token: { id: string; tenant: { id: string } } } }
    const datastores = await fetch(
      `http://127.0.0.1:${place.ports.api}/v1.0/${access.token.tenant.id}/datastores`,
      {
        headers: { 'X-Auth-Token': access.token.id },
      },
    )
    expect(await datastores.json()).toEqual({ datastores: [] })
  })

  test('closes its secrets to others, logs none of them, and stays small', async () => {
    const place = await controlPlace()
    await place.ours('coffer', 'up')
    await place.openstack('token', 'issue')
    for (const name of [
      'secret.key',
      'identity.json',
      'openrc',
      'trove.sqlite',
      'log/coffer.log',
      'run/coffer.json',
    ]) {
      expect([name, (await stat(join(place.stateDir, name))).mode & 0o077]).toEqual([name, 0])
    }
    const { OS_PASSWORD: password = '?' } = await readOpenrc(join(place.stateDir, 'openrc'))
    await eventually(
      'the log',
      () => readLog(place.stateDir),
      (text) => text.includes('"running"'),
    )
    expect(await readLog(place.stateDir)).not.toContain(password)
    const pid = readRunFile(place.stateDir)?.process.pid ?? 0
    expect(residentBytes(pid) / 2 ** 20).toBeLessThan(190)
  })

  test('after a SIGKILL starts again over what was left', async () => {
    const place = await controlPlace()
    await place.ours('coffer', 'up')
    const before = readRunFile(place.stateDir)
    if (before === undefined) throw new Error('the service runs')
    process.kill(before.process.pid, 'SIGKILL')
    await eventually(
      'its end',
      async () => isRunning(before.process),
      (running) => !running,
    )
    expect((await place.ours('coffer', 'status')).stdout).toContain('The service does not run')
    expect((await place.ours('coffer', 'up')).exitCode).toBe(0)
    expect(readRunFile(place.stateDir)?.process.pid).not.toBe(before.process.pid)
    expect((await place.openstack('token', 'issue')).exitCode).toBe(0)
  })

  test('is refused when something else has its port, in words that say which', async () => {
    const place = await controlPlace()
    const squatter = createServer().listen(place.ports.identity, '127.0.0.1')
    onTestFinished(() => new Promise((resolve) => squatter.close(() => resolve())))
    const refused = await place.ours('coffer', 'up')
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain(`the identity cannot listen on 127.0.0.1:${place.ports.identity}`)
    expect(refused.stderr).toContain('hint: See what listens there')
    expect((await place.ours('coffer', 'doctor')).stdout).toMatch(/^FAIL {2}ports/m)
  })

  test('is alone in its state directory', async () => {
    const place = await controlPlace()
    await place.ours('coffer', 'up')
    const second = await place.ours('trove-api')
    expect(second).toMatchObject({ exitCode: 1 })
    expect(second.stderr).toContain('A control plane runs already for this state directory')
  })
})

describe('coffer down --purge', () => {
  test('wants to be sure, then leaves no server, no volume and no state, but the images', async () => {
    const place = await controlPlace()
    await place.ours('coffer', 'up')
    await place.register('mysql', '9.7')
    await place.playGuests()
    await place.openstack(
      'database',
      'instance',
      'create',
      'm1',
      '--flavor',
      '1',
      '--size',
      '1',
      '--datastore',
      'mysql',
      '--nic',
      'net-id=none',
    )
    await eventually(
      'the instance',
      () => instance(place, 'm1'),
      ({ status }) => !/BUILD/.test(status),
    )
    const unsure = await place.ours('coffer', 'down', '--purge')
    expect(unsure).toMatchObject({ exitCode: 2 })
    expect(unsure.stderr).toContain('hint: Say --yes if that is meant.')
    expect((await instance(place, 'm1')).status).toMatch(/^(ACTIVE|HEALTHY)$/)
    const sure = await place.ours('coffer', 'down', '--purge', '--yes')
    expect(sure).toMatchObject({ exitCode: 0, stderr: '' })
    expect(sure.stdout).toContain('Deleted: 1 instances, 1 volumes')
    expect(existsSync(join(place.stateDir, 'trove.sqlite'))).toBe(false)
    expect(existsSync(join(place.stateDir, 'identity.json'))).toBe(false)
    expect(existsSync(join(place.stateDir, 'images'))).toBe(true)
    expect(existsSync(join(place.stateDir, 'trove.conf'))).toBe(true)
  })
})

describe('coffer logs', () => {
  test('shows lines for people, of one service when asked', async () => {
    const place = await controlPlace()
    const none = await place.ours('coffer', 'logs')
    expect(none).toMatchObject({ exitCode: 1 })
    expect(none.stderr).toContain('There is no log')
    await place.ours('coffer', 'up')
    await eventually(
      'the log',
      () => readLog(place.stateDir),
      (text) => text.includes('"running"'),
    )
    const all = await place.ours('coffer', 'logs')
    expect(all.stdout).toMatch(/^\d\d:\d\d:\d\d INFO {2}coffer +running/m)
    const api = (await place.ours('coffer', 'logs', 'api')).stdout.trim().split('\n')
    expect(api.length).toBeGreaterThan(0)
    for (const line of api) expect(line).toMatch(/^\d\d:\d\d:\d\d \w+ +api /)
    const nobody = await place.ours('coffer', 'logs', 'nobody')
    expect(nobody.stderr).toContain("There is no service and no instance 'nobody'")
  })
})
