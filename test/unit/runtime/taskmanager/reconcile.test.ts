import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { setFaults } from '../../../../runtime/compute/fake/faults.ts'
import { killFakeServer } from '../../../../runtime/compute/fake/index.ts'
import { INSTANCE_TASKS } from '../../../../runtime/model/instance-task.ts'
import type { TaskManager } from '../../../../runtime/taskmanager/index.ts'
import { openWorld, type World } from './world.ts'

let world: World
let manager: TaskManager
beforeEach(async () => {
  world = await openWorld()
  manager = await world.start({ timings: { ...world.deps.timings, undoMs: 300 } })
})
afterEach(async () => {
  await manager.stop()
  await world.close()
})

async function active(): Promise<string> {
  const { id, task } = await world.create()
  expect((await world.ended(task)).state).toBe('done')
  return id
}

describe('the reconciler', () => {
  test('starts a server again that went down with its machine', async () => {
    await active()
    const [server] = await world.compute.listServers()
    await killFakeServer(world.computeDirectory, server?.id ?? '', 'the machine was switched off')
    await expect
      .poll(async () => (await world.compute.listServers())[0]?.status, { timeout: 5000 })
      .toBe('ACTIVE')
    expect(await world.compute.listServers()).toMatchObject([{ id: server?.id }])
  })

  test('removes what an undo could not remove', async () => {
    await setFaults(world.computeDirectory, { '*': { guest: 'fails', deletes: 'refuse' } })
    const { id, task } = await world.create()
    expect((await world.ended(task, 15_000)).state).toBe('failed')
    expect(await world.compute.listServers()).toHaveLength(1)
    await setFaults(world.computeDirectory, {})
    await expect
      .poll(() => world.leftovers(), { timeout: 5000 })
      .toEqual({ servers: [], volumes: [], guests: [] })
    expect((await world.db.instances.get(id))?.task_code).toBe(INSTANCE_TASKS.BUILDING_ERROR_TIMEOUT_GA.code)
  })

  test('leaves alone what it knows nothing of', async () => {
    const strange = { id: randomUUID(), name: 'someone else’s', sizeGb: 1, instanceId: randomUUID() }
    await world.compute.createVolume(strange)
    await world.hub.admin.createGuest(strange.instanceId, 'ab'.repeat(32))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await world.compute.listVolumes()).toMatchObject([{ id: strange.id }])
    expect(await world.hub.admin.listGuests()).toEqual([strange.instanceId])
  })

  test('asks again for a delete whose task is gone', async () => {
    const id = await active()
    await world.db.instances.update(id, { task_code: INSTANCE_TASKS.DELETING.code })
    await expect.poll(() => world.db.instances.get(id), { timeout: 5000 }).toBeUndefined()
    expect(await world.leftovers()).toEqual({ servers: [], volumes: [], guests: [] })
  })

  test('sets a quota that has drifted to what exists', async () => {
    await active()
    await manager.stop()
    await world.db.quotas.change('tenant-a', { instances: 4, volumes: 9 }, {})
    manager = await world.start()
    await expect
      .poll(
        async () =>
          Object.fromEntries(
            (await world.db.quotas.usages('tenant-a', {})).map((usage) => [usage.resource, usage.in_use]),
          ),
        { timeout: 3000 },
      )
      .toMatchObject({ instances: 1, volumes: 1, ram: 512 })
  })
})
