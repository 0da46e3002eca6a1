// SIGKILL to the whole control plane while a real guest is made, prepares, serves and goes. What is killed at every single step
// with fake guests (test/integration/kill) is tried here with QEMU. One instance goes through all of it.
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { type InstanceService, instanceService, until } from './instance-service.ts'
import { builtImage } from './shared-images.ts'
import { properties } from './trove-table.ts'

let service: InstanceService
let id = ''

beforeAll(async () => {
  await builtImage('redis')
  service = await instanceService(81)
  await service.up()
})
afterAll(async () => {
  await service?.end()
})

const show = async () => properties(await service.table('show', id))

/** The state of a step of the last task: undefined before it began. */
const step = (name: string) =>
  service.rows(
    `SELECT state FROM task_steps WHERE name = '${name}' AND task_id = (SELECT id FROM tasks ORDER BY seq DESC LIMIT 1)`,
  )[0]?.state

const guestStatus = () => service.rows('SELECT status_description AS status FROM service_statuses')[0]?.status

/** Exactly what one instance has: whatever was begun twice was not made twice. */
async function oneOfEach(): Promise<number> {
  const { processes, ...kept } = await service.machines()
  expect(processes).toEqual([expect.any(Number)])
  expect(kept).toEqual({
    servers: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    volumes: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    addresses: ['2'],
  })
  expect(await service.used()).toEqual({ backups: 0, instances: 1, ram: 512, volumes: 1 })
  return processes[0] ?? 0
}

test('killed while the server is made, it is made once', async () => {
  id = properties(await service.table('create', 'r1', '1', '--size', '1', '--datastore', 'redis')).id ?? ''
  // It has an address, and not much more.
  const addresses = async () => (await service.machines()).addresses
  await until('its address', addresses, ({ length }) => length === 1, { pauseMs: 1 })
  await service.kill()
  expect(step('server created')).toBe('started')
  await service.up()
  await until(
    'the server',
    () => step('server created'),
    (state) => state === 'done',
  )
  await oneOfEach()
  expect((await show()).status).toBe('BUILD')
})

test('killed while the guest prepares, the instance becomes ACTIVE on the same server', async () => {
  const machine = await oneOfEach()
  await until('the preparation', guestStatus, (status) => status === 'building', { pauseMs: 20 })
  await service.kill()
  // The guest ends its preparation with nobody to tell.
  await systemClock.sleep(10_000)
  await service.up()
  const shown = await until('ACTIVE', show, ({ status }) => status !== 'BUILD')
  expect(shown.status).toBe('ACTIVE')
  expect(await oneOfEach()).toBe(machine)
})

test('killed while the guest serves, nobody who uses the database notices', async () => {
  const machine = await oneOfEach()
  const { password = '' } = properties(await service.table('root-enable', id))
  const session = await open((await show()).ip ?? '')
  expect(await session.ask(`AUTH ${password}`)).toBe('+OK')
  expect(await session.ask('SET kept 1')).toBe('+OK')
  await service.kill()
  expect(await session.ask('INCR kept')).toBe(':2')
  await service.up()
  const from = Date.now()
  const heartbeat = () => service.rows('SELECT updated_at FROM agent_heartbeats')[0]?.updated_at
  const before = heartbeat()
  await until('a heartbeat', heartbeat, (now) => now !== before, { timeoutMs: 45_000 })
  expect(Date.now() - from).toBeLessThan(45_000)
  expect((await show()).status).toBe('ACTIVE')
  expect(await session.ask('INCR kept')).toBe(':3')
  // The guest takes orders again, too.
  expect((await service.trove('restart', id, '--wait')).exitCode).toBe(0)
  session.close()
  expect(await oneOfEach()).toBe(machine)
})

test('killed in the middle of a delete, it leaves nothing', async () => {
  expect((await service.trove('delete', id)).exitCode).toBe(0)
  await until('the server step', () => step('server deleted'), Boolean, { pauseMs: 1 })
  await service.kill()
  expect(step('record deleted')).toBeUndefined()
  await service.up()
  await until(
    'the end',
    () => service.trove('show', id),
    ({ exitCode }) => exitCode !== 0,
  )
  expect((await service.trove('show', id)).stderr).toBe(
    `ERROR: No instance with a name or ID of '${id}' exists.\n`,
  )
  expect(await service.machines()).toEqual({ processes: [], servers: [], volumes: [], addresses: [] })
  expect(await service.used()).toEqual({ backups: 0, instances: 0, ram: 0, volumes: 0 })
})

/** A connection to Redis that is opened once: nothing connects it again. */
async function open(host: string): Promise<{ ask(line: string): Promise<string>; close(): void }> {
  const socket: Socket = connect(6379, host)
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return {
    ask: (line) =>
      new Promise((resolve, reject) => {
        socket.once('error', reject).once('close', () => reject(new Error('the connection was closed')))
        socket.once('data', (answer) => resolve(answer.toString().trim()))
        socket.write(`${line}\r\n`)
      }),
    close: () => socket.destroy(),
  }
}
