import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { setFaults } from '../../../../runtime/compute/fake/faults.ts'
import { holderName, isGone } from '../../../../runtime/taskmanager/holder.ts'
import type { TaskManager } from '../../../../runtime/taskmanager/index.ts'
import { openWorld, type World } from './world.ts'

let world: World
let managers: TaskManager[] = []
beforeEach(async () => {
  world = await openWorld()
  managers = []
})
afterEach(async () => {
  for (const manager of managers) await manager.stop()
  await world.close()
})

async function start(...args: Parameters<World['start']>): Promise<TaskManager> {
  const manager = await world.start(...args)
  managers.push(manager)
  return manager
}

/** Stands still at one point of a flow until it is let go. */
function stopAt(name: string) {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    release: () => released.resolve(),
    async faultPoint(point: string) {
      if (point !== name) return
      reached.resolve()
      await released.promise
    },
  }
}

describe('a task belongs to one task manager at a time', () => {
  test('an orderly stop gives it back at once, and another goes on where it was', async () => {
    const stand = stopAt('create_instance/server created:made')
    const first = await start({ owner: 'first', faultPoint: stand.faultPoint })
    const { task } = await world.create()
    await stand.reached
    const stopped = first.stop()
    stand.release()
    await stopped
    const [server] = await world.compute.listServers()
    expect((await world.db.tasks.get(task))?.owner).toBeNull()
    await start({ owner: 'second' })
    expect((await world.ended(task)).state).toBe('done')
    expect(await world.compute.listServers()).toMatchObject([{ id: server?.id }])
  })

  test('one that stands still loses it, and does nothing more when it comes to again', async () => {
    const stand = stopAt('create_instance/volume created:made')
    await start({
      owner: 'first',
      faultPoint: stand.faultPoint,
      concurrentTasks: 1,
      // It believes in a lease of a minute, and so never renews the short one that it took.
      db: { ...world.db, tasks: { ...world.db.tasks, renew: async () => true } },
    })
    const { task } = await world.create()
    await stand.reached
    await start({ owner: 'second' })
    expect((await world.ended(task)).state).toBe('done')
    stand.release()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await world.db.tasks.get(task))?.state).toBe('done')
    expect(await world.compute.listServers()).toHaveLength(1)
    expect(await world.compute.listVolumes()).toHaveLength(1)
  })

  test('two at work side by side make everything once', async () => {
    await start({ owner: 'first' })
    await start({ owner: 'second' })
    const made = await Promise.all([1, 2, 3, 4, 5, 6].map(() => world.create()))
    for (const { task } of made) expect((await world.ended(task)).state).toBe('done')
    expect(await world.compute.listServers()).toHaveLength(6)
    expect(await world.compute.listVolumes()).toHaveLength(6)
  })
})

test('a process that stood still does not take the time it lost for a failure of the task', async () => {
  await setFaults(world.computeDirectory, { '*': { guest: 'silent' } })
  const stand = stopAt('create_instance/service running:begun')
  let lost = false
  const first = await start({
    owner: 'first',
    concurrentTasks: 1,
    faultPoint: stand.faultPoint,
    db: {
      ...world.db,
      // As after a standstill: no renewal got through, and the lease is gone by now.
      tasks: { ...world.db.tasks, renew: async () => !lost },
    },
    clock: { ...world.deps.clock, now: () => new Date(Date.now() + (lost ? 3_600_000 : 0)) },
  })
  const { id, task } = await world.create()
  await stand.reached
  lost = true
  stand.release()
  await new Promise((resolve) => setTimeout(resolve, 50))
  await first.stop()
  managers.pop()
  await setFaults(world.computeDirectory, {})
  await start({ owner: 'second' })
  expect((await world.ended(task)).state).toBe('done')
  expect((await world.db.instances.get(id))?.fault).toBeNull()
})

test('a task that ends every task manager is given up, undone, and says so', async () => {
  const { id, task } = await world.create()
  for (let attempt = 0; attempt < 21; attempt++) {
    await world.db.tasks.claim(`crashed/${attempt}`, 1, new Date())
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  await start()
  expect(await world.ended(task)).toMatchObject({ state: 'failed', errorCode: 'TASK_GIVEN_UP' })
  expect((await world.db.instances.get(id))?.fault?.message).toMatch(/begun 22 times/)
  expect(await world.leftovers()).toEqual({ servers: [], volumes: [], guests: [] })
})

test('what a killed task manager held is free for the next one on this machine, however long its lease', async () => {
  const holder = new URL('../../../../runtime/taskmanager/holder.ts', import.meta.url).href
  const script = `import { holderName } from '${holder}'; console.log(holderName()); setInterval(() => 0, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  const [name] = await once(child.stdout.setEncoding('utf8'), 'data')
  const owner = `${name.trim()}/1`
  const { task } = await world.create()
  await world.db.tasks.claim(owner, 3_600_000, new Date())
  expect(isGone(owner)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isGone(owner)).toBe(true)
  await start()
  expect((await world.ended(task)).state).toBe('done')
})

test.each([
  ['this process', `${holderName()}/1`],
  ['one of another machine', 'taskmanager-1-1-1-00000000-0000-4000-8000-000000000000/1'],
  ['one of another container', `${holderName().replace(/-\d+-\d+-\d+-/, '-999999-1-1-')}/1`],
  ['one of an earlier version', 'taskmanager-999999/1'],
])('the lease of %s is left to run', async (_, owner) => {
  expect(isGone(owner)).toBe(false)
})

test('a nudge is answered at once, however long the poll', async () => {
  await start({ timings: { ...world.deps.timings, pollMs: 60_000 } })
  const { task } = await world.create()
  await world.rpc.cast('taskmanager', 'run_tasks', {})
  expect((await world.ended(task)).state).toBe('done')
})
