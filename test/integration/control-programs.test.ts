// The services as separate programs on the same settings, over the hub that the API's process holds.
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { controlPlace, eventually, type Place } from './control-support.ts'

const BIN = new URL('../../runtime/bin/', import.meta.url).pathname

/** Starts a program and waits for a line of its log. */
async function start(place: Place, program: string): Promise<{ readonly stop: () => Promise<number> }> {
  const abort = new AbortController()
  const lines: string[] = []
  const ended = run([join(BIN, program)], {
    env: place.env,
    signal: abort.signal,
    check: false,
    onLine: (line) => lines.push(line),
  })
  const stop = async () => {
    abort.abort()
    return (await ended).exitCode
  }
  onTestFinished(async () => {
    await stop()
  })
  await eventually(
    `${program} running`,
    async () => lines,
    (seen) => seen.some((line) => line.includes('"msg":"running"')),
  )
  return { stop }
}

test('the API, a task manager and a conductor in processes of their own carry an instance, and any may be restarted', async () => {
  const place = await controlPlace()
  await start(place, 'trove-api')
  const taskManager = await start(place, 'trove-taskmanager')
  const conductor = await start(place, 'trove-conductor')
  await place.register('mysql', '9.7')
  await place.playGuests()
  const create = (name: string) =>
    place.openstack(
      'database',
      'instance',
      'create',
      name,
      '--flavor',
      '1',
      '--size',
      '1',
      '--datastore',
      'mysql',
      '--nic',
      'net-id=none',
    )
  const show = (name: string) => place.json<{ status: string }>('database', 'instance', 'show', name)
  expect((await create('m1')).stderr).toBe('')
  await eventually(
    'm1',
    () => show('m1'),
    ({ status }) => /^(ACTIVE|HEALTHY)$/.test(status),
  )

  expect([await taskManager.stop(), await conductor.stop()]).toEqual([0, 0])
  expect((await create('m2')).stderr).toBe('')
  expect((await show('m2')).status).toMatch(/BUILD/)
  await start(place, 'trove-conductor')
  await start(place, 'trove-taskmanager')
  await eventually(
    'm2',
    () => show('m2'),
    ({ status }) => /^(ACTIVE|HEALTHY)$/.test(status),
  )
})
