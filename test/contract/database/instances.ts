import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { INSTANCE_TASKS } from '../../../runtime/model/instance-task.ts'
import { SERVICE_STATUSES } from '../../../runtime/model/service-status.ts'
import { type Engine, newInstance, type Opened, openWithDatastore } from './fixtures.ts'

export function instanceSuite(engine: Engine): void {
  describe(`instances on ${engine.name}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
    })
    afterEach(() => opened.db.close())

    test('a new one is read back with its datastore, no addresses, no fault, and service status NEW', async () => {
      const { db, versionId } = opened
      const instance = newInstance(versionId, {
        name: `o'Brien "x" \\ ; -- \u{1f600} \n`,
        hostname: 'm1.example',
        access: { is_public: true, allowed_cidrs: ['10.0.0.0/8'] },
      })
      await db.instances.create(instance)
      expect(await db.instances.get(instance.id)).toEqual({
        ...instance,
        updated: instance.created,
        deleted: false,
        deleted_at: null,
        compute_instance_id: null,
        volume_id: null,
        server_status: null,
        configuration_id: null,
        slave_of_id: null,
        cluster_id: null,
        shard_id: null,
        type: null,
        region_id: null,
        addresses: [],
        encrypted_key: null,
        service_code: SERVICE_STATUSES.NEW.code,
        service_updated: new Date('2026-11-23T10:00:00Z'),
        volume_used_bytes: null,
        volume_total_bytes: null,
        datastore_id: (await db.datastores.get('mysql'))?.id,
        datastore_name: 'mysql',
        datastore_version_name: '9.7',
        datastore_version_number: '9.7',
        datastore_manager: 'mysql',
        replica_ids: [],
        fault: null,
      })
    })

    test("another tenant's instance is not found", async () => {
      const { db, versionId } = opened
      const instance = newInstance(versionId)
      await db.instances.create(instance)
      expect(await db.instances.get(instance.id, { tenantId: 'tenant-b' })).toBeUndefined()
      expect(await db.instances.get(instance.id, { tenantId: 'tenant-a' })).toMatchObject({ name: 'm1' })
    })

    test('a list goes by id, page after page, and only the last page has no marker', async () => {
      const { db, versionId } = opened
      const all = Array.from({ length: 7 }, () => newInstance(versionId))
      for (const instance of all) await db.instances.create(instance)
      await db.instances.create(newInstance(versionId, { tenant_id: 'tenant-b' }))
      const ids = all.map(({ id }) => id).sort()

      const first = await db.instances.list({ tenantId: 'tenant-a', limit: 3 })
      expect(first.records.map(({ id }) => id)).toEqual(ids.slice(0, 3))
      expect(first.nextMarker).toBe(ids[2])
      const rest = await db.instances.list({ tenantId: 'tenant-a', limit: 4, marker: ids[2] ?? '' })
      expect(rest.records.map(({ id }) => id)).toEqual(ids.slice(3))
      expect(rest.nextMarker).toBeUndefined()
      expect((await db.instances.list({ limit: 20 })).records).toHaveLength(8)
    })

    test('a source shows its living replicas, and the newest of its faults', async () => {
      const { db, clock, versionId } = opened
      const source = newInstance(versionId)
      await db.instances.create(source)
      const replicas = [1, 2, 3].map(() => newInstance(versionId, { slave_of_id: source.id }))
      for (const replica of replicas) await db.instances.create(replica)
      const [gone] = replicas
      await db.instances.softDelete(gone?.id ?? '')
      await db.instances.addFault(source.id, 'first', 'a')
      clock.advance(0.001)
      await db.instances.addFault(source.id, 'second', 'b')

      const { records } = await db.instances.list({ tenantId: 'tenant-a', limit: 20 })
      expect(records).toHaveLength(3)
      const shown = records.find(({ id }) => id === source.id)
      const living = replicas.slice(1).map(({ id }) => id)
      expect(shown?.replica_ids).toEqual(living.sort())
      expect(shown?.fault).toEqual({
        message: 'second',
        details: 'b',
        created: new Date('2026-11-23T10:00:00.251Z'),
      })
    })

    test('an update touches what it names, and the time of the change', async () => {
      const { db, clock, versionId } = opened
      const instance = newInstance(versionId)
      await db.instances.create(instance)
      clock.advance(60)
      expect(
        await db.instances.update(instance.id, {
          name: 'm2',
          addresses: ['127.77.0.2', 'fd00::2'],
          task_code: INSTANCE_TASKS.NONE.code,
          server_status: 'ACTIVE',
        }),
      ).toBe(true)
      expect(await db.instances.get(instance.id)).toMatchObject({
        name: 'm2',
        addresses: ['127.77.0.2', 'fd00::2'],
        task_code: INSTANCE_TASKS.NONE.code,
        server_status: 'ACTIVE',
        volume_size: 1,
        created: instance.created,
        updated: new Date('2026-11-23T10:01:00Z'),
      })
    })

    test('an update that expects a task leaves an instance with another task alone', async () => {
      const { db, versionId } = opened
      const instance = newInstance(versionId)
      await db.instances.create(instance)
      const { NONE, RESTART_REQUIRED, REBOOTING, BUILDING } = INSTANCE_TASKS
      const patch = { task_code: REBOOTING.code }
      const { instances } = db
      expect(await instances.update(instance.id, patch, [NONE.code, RESTART_REQUIRED.code])).toBe(false)
      expect(await instances.get(instance.id)).toMatchObject({ task_code: BUILDING.code })
      expect(await instances.update(instance.id, patch, [BUILDING.code])).toBe(true)
      expect(await instances.update(instance.id, patch)).toBe(true)
    })

    test('a deleted one is gone from every list, keeps its row, and holds no secret', async () => {
      const { db, versionId } = opened
      const instance = newInstance(versionId)
      await db.instances.create(instance)
      await db.instances.update(instance.id, { encrypted_key: 'sealed' })
      await db.instances.softDelete(instance.id)
      await db.instances.softDelete(instance.id)
      expect(await db.instances.get(instance.id)).toBeUndefined()
      expect((await db.instances.list({ limit: 20 })).records).toEqual([])
      expect(await db.instances.living()).toEqual([])
      expect(await db.instances.update(instance.id, { name: 'x' })).toBe(false)
      expect(await db.instances.get(instance.id, { deleted: true })).toMatchObject({
        deleted: true,
        deleted_at: new Date('2026-11-23T10:00:00Z'),
        task_code: INSTANCE_TASKS.NONE.code,
        service_code: SERVICE_STATUSES.DELETED.code,
        encrypted_key: null,
      })
    })

    test('a version that does not exist makes no instance', async () => {
      await expect(opened.db.instances.create(newInstance('nowhere'))).rejects.toThrow(/foreign key/i)
      expect(await opened.db.instances.living()).toEqual([])
    })

    test('a transaction that fails leaves nothing, and an inner one is a part of the outer', async () => {
      const { db, versionId } = opened
      const failing = db.transaction(async (outer) => {
        await outer.instances.create(newInstance(versionId))
        await outer.transaction((inner) => inner.instances.create(newInstance(versionId)))
        expect(await outer.instances.living()).toHaveLength(2)
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect(await db.instances.living()).toEqual([])
    })
  })
}
