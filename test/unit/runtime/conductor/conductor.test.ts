import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../lib/clock.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import { rpcClient } from '../../../../runtime/rpc/index.ts'
import type { RpcClient } from '../../../../runtime/rpc/types.ts'
import { openWorld, type World } from '../taskmanager/world.ts'

let world: World
let guest: RpcClient
let id: string
beforeEach(async () => {
  world = await openWorld({ guests: false })
  id = (await world.create()).id
  await world.hub.admin.createGuest(id, 'ab'.repeat(32))
  guest = rpcClient(world.hub.connection({ kind: 'guest', instanceId: id }), { name: id, clock: systemClock })
})
afterEach(async () => {
  await guest.close()
  await world.close()
})

const heartbeat = (instance: string, payload: Record<string, string | number>) =>
  guest.cast('trove-conductor', 'heartbeat', { instance_id: instance, payload })
const handled = (messages: number) =>
  expect
    .poll(() => {
      const { kept, stale, refused } = world.conductor.stats()
      return kept + stale + refused
    })
    .toBe(messages)

describe('the conductor', () => {
  test('keeps the status and the volume’s figures of a heartbeat', async () => {
    await heartbeat(id, { service_status: 'running', volume_used: 0.25, volume_total: 1 })
    await handled(1)
    expect(await world.db.instances.get(id)).toMatchObject({
      service_code: SERVICE_STATUSES.RUNNING.code,
      volume_used_bytes: 268_435_456,
      volume_total_bytes: 1_073_741_824,
    })
  })

  test('drops what a guest says in another guest’s name, and counts it', async () => {
    const other = (await world.create()).id
    await heartbeat(other, { service_status: 'crashed' })
    await handled(1)
    expect(world.conductor.stats()).toMatchObject({ received: 1, refused: 1, kept: 0 })
    expect((await world.db.instances.get(other))?.service_code).toBe(SERVICE_STATUSES.NEW.code)
  })

  test('keeps the reason of a failure as a fault of the instance, once', async () => {
    for (let beat = 0; beat < 3; beat++) {
      await heartbeat(id, { service_status: 'failed to spawn', reason: 'the volume is full' })
    }
    await handled(3)
    expect(await world.db.instances.get(id)).toMatchObject({
      service_code: SERVICE_STATUSES.FAILED.code,
      fault: { message: 'the volume is full' },
    })
  })

  test('keeps who enabled root first', async () => {
    for (const user of ['amy', 'bob']) {
      await guest.cast('trove-conductor', 'report_root', { instance_id: id, user })
    }
    await expect.poll(() => world.db.rootHistory.get(id)).toMatchObject({ user: 'amy' })
  })

  test('skips a report of a backup, and goes on', async () => {
    await guest.cast('trove-conductor', 'update_backup', {
      instance_id: id,
      backup_id: 'b1',
      state: 'COMPLETED',
    })
    await heartbeat(id, { service_status: 'running' })
    await handled(1)
  })
})
