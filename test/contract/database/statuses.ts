import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SERVICE_STATUSES } from '../../../runtime/model/service-status.ts'
import { type Engine, newInstance, type Opened, openWithDatastore } from './fixtures.ts'

const { NEW, RUNNING, SHUTDOWN, CRASHED } = SERVICE_STATUSES
const GIB = 1024 ** 3

export function statusSuite(engine: Engine): void {
  describe(`service statuses on ${engine.name}`, () => {
    let opened: Opened
    let id: string
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
      const instance = newInstance(opened.versionId)
      id = instance.id
      await opened.db.instances.create(instance)
    })
    afterEach(() => opened.db.close())

    test('a status is set and read, and an instance without one has none', async () => {
      const { db, clock } = opened
      clock.advance(5)
      await db.statuses.set(id, SHUTDOWN.code)
      expect(await db.statuses.get(id)).toEqual({
        code: SHUTDOWN.code,
        updated: new Date('2026-11-23T10:00:05Z'),
      })
      expect(await db.statuses.get('nobody')).toBeUndefined()
    })

    test('a heartbeat brings status, volume figures past 4 GiB, and the time it was seen', async () => {
      const { db, clock } = opened
      clock.advance(10)
      const beat = { serviceCode: RUNNING.code, volumeUsedBytes: 5 * GIB, volumeTotalBytes: 9000 * GIB }
      expect(
        await db.statuses.applyHeartbeats([
          { instanceId: id, ...beat, agentVersion: '1.0', sent: 1763892010.5 },
        ]),
      ).toBe(1)
      expect(await db.instances.get(id)).toMatchObject({
        service_code: RUNNING.code,
        service_updated: new Date('2026-11-23T10:00:10Z'),
        volume_used_bytes: 5 * GIB,
        volume_total_bytes: 9000 * GIB,
      })
    })

    test('what a heartbeat does not say stays as it was', async () => {
      const { db } = opened
      await db.statuses.applyHeartbeats([
        { instanceId: id, serviceCode: RUNNING.code, volumeUsedBytes: 7, volumeTotalBytes: 9, sent: 1 },
      ])
      await db.statuses.applyHeartbeats([{ instanceId: id, volumeUsedBytes: 8, sent: 2 }])
      expect(await db.instances.get(id)).toMatchObject({
        service_code: RUNNING.code,
        volume_used_bytes: 8,
        volume_total_bytes: 9,
      })
    })

    test('a heartbeat that is as old as the last one, or older, is dropped', async () => {
      const { db } = opened
      const sent = 1763892010.123456
      const beat = (serviceCode: number, at: number) => ({ instanceId: id, serviceCode, sent: at })
      expect(await db.statuses.applyHeartbeats([beat(RUNNING.code, sent)])).toBe(1)
      expect(await db.statuses.applyHeartbeats([beat(CRASHED.code, sent)])).toBe(0)
      expect(await db.statuses.applyHeartbeats([beat(CRASHED.code, sent - 0.000001)])).toBe(0)
      expect((await db.statuses.get(id))?.code).toBe(RUNNING.code)
      expect(await db.statuses.applyHeartbeats([beat(CRASHED.code, sent + 0.000001)])).toBe(1)
      expect((await db.statuses.get(id))?.code).toBe(CRASHED.code)
    })

    test('of several in one batch the newest wins, in whatever order they came', async () => {
      const { db } = opened
      expect(
        await db.statuses.applyHeartbeats([
          { instanceId: id, serviceCode: RUNNING.code, volumeUsedBytes: 3, sent: 30 },
          { instanceId: id, serviceCode: NEW.code, volumeTotalBytes: 10, sent: 10 },
          { instanceId: id, serviceCode: SHUTDOWN.code, volumeUsedBytes: 2, sent: 20 },
          { instanceId: id, serviceCode: SHUTDOWN.code, sent: 20 },
        ]),
      ).toBe(3)
      expect(await db.instances.get(id)).toMatchObject({
        service_code: RUNNING.code,
        volume_used_bytes: 3,
        volume_total_bytes: 10,
      })
    })

    test("nobody's heartbeats and those of deleted instances are skipped, the others kept", async () => {
      const { db, versionId } = opened
      const gone = newInstance(versionId)
      await db.instances.create(gone)
      await db.instances.softDelete(gone.id)
      expect(
        await db.statuses.applyHeartbeats([
          { instanceId: 'nobody', serviceCode: RUNNING.code, sent: 1 },
          { instanceId: gone.id, serviceCode: RUNNING.code, sent: 1 },
          { instanceId: id, serviceCode: RUNNING.code, sent: 1 },
        ]),
      ).toBe(1)
      expect((await db.statuses.get(gone.id))?.code).toBe(SERVICE_STATUSES.DELETED.code)
      expect(await db.statuses.applyHeartbeats([])).toBe(0)
    })

    test('more heartbeats than one statement can take are kept all', async () => {
      const { db, versionId } = opened
      const instances = Array.from({ length: 1200 }, () => newInstance(versionId))
      await db.transaction(async (inside) => {
        for (const instance of instances) await inside.instances.create(instance)
      })
      const beats = instances.map((instance, at) => ({
        instanceId: instance.id,
        serviceCode: at % 2 === 0 ? RUNNING.code : SHUTDOWN.code,
        volumeUsedBytes: at,
        sent: 100,
      }))
      expect(await db.statuses.applyHeartbeats(beats)).toBe(1200)
      const { records } = await db.instances.list({ limit: 2000 })
      const used = new Map(records.map((record) => [record.id, record]))
      for (const beat of beats) {
        expect(used.get(beat.instanceId)).toMatchObject({
          service_code: beat.serviceCode,
          volume_used_bytes: beat.volumeUsedBytes,
        })
      }
    })

    test('each method has its own last message', async () => {
      const { statuses } = opened.db
      expect(await statuses.isFresh(id, 'update_backup', 5)).toBe(true)
      expect(await statuses.isFresh(id, 'update_backup', 5)).toBe(false)
      expect(await statuses.isFresh(id, 'update_backup', 4.9)).toBe(false)
      expect(await statuses.isFresh(id, 'report_root', 4.9)).toBe(true)
      expect(await statuses.isFresh(id, 'update_backup', 5.1)).toBe(true)
    })

    test('of many who bring the same message at once, one is told that it is new', async () => {
      const { statuses } = opened.db
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => statuses.isFresh(id, 'report_root', 7)),
      )
      expect(answers.filter((fresh) => fresh)).toHaveLength(1)
    })
  })
}
