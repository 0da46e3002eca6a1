import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, newInstance, type Opened, openWithDatastore } from './fixtures.ts'

const defaults = { instances: 3, volumes: 10, backups: 50, ram: -1 }

export function quotaSuite(engine: Engine): void {
  describe(`quotas on ${engine.name}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
    })
    afterEach(() => opened.db.close())

    const inUse = async (tenant = 'tenant-a') =>
      Object.fromEntries(
        (await opened.db.quotas.usages(tenant, defaults)).map(({ resource, in_use }) => [resource, in_use]),
      )

    test('a tenant who never used anything has the default limits', async () => {
      expect(await opened.db.quotas.usages('nobody', defaults)).toEqual([
        { resource: 'backups', in_use: 0, reserved: 0, limit: 50 },
        { resource: 'instances', in_use: 0, reserved: 0, limit: 3 },
        { resource: 'ram', in_use: 0, reserved: 0, limit: -1 },
        { resource: 'volumes', in_use: 0, reserved: 0, limit: 10 },
      ])
    })

    test('usage goes up and down, and never below zero', async () => {
      const { quotas } = opened.db
      await quotas.change('tenant-a', { instances: 1, volumes: 4 }, defaults)
      await quotas.change('tenant-a', { instances: 1, volumes: 6 }, defaults)
      expect(await inUse()).toMatchObject({ instances: 2, volumes: 10 })
      await quotas.change('tenant-a', { instances: -5, volumes: -1 }, defaults)
      expect(await inUse()).toMatchObject({ instances: 0, volumes: 9 })
    })

    test('past a limit nothing changes, and all resources that are over are named', async () => {
      const { quotas } = opened.db
      await quotas.change('tenant-a', { instances: 3, volumes: 9 }, defaults)
      await expect(
        quotas.change('tenant-a', { volumes: 2, ram: 512, instances: 1 }, defaults),
      ).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
        message: "Quota exceeded for resources: ['instances', 'volumes'].",
      })
      expect(await inUse()).toMatchObject({ instances: 3, volumes: 9, ram: 0 })
    })

    test('a tenant over the limit may still give back', async () => {
      const { quotas } = opened.db
      await quotas.change('tenant-a', { instances: 3 }, defaults)
      await quotas.setLimit('tenant-a', 'instances', 1)
      await quotas.change('tenant-a', { instances: -1 }, defaults)
      expect(await inUse()).toMatchObject({ instances: 2 })
    })

    test("a tenant's own limit goes before the default, and a negative one means none", async () => {
      const { quotas } = opened.db
      await quotas.setLimit('tenant-a', 'instances', 1)
      await quotas.setLimit('tenant-a', 'instances', 4)
      await quotas.change('tenant-a', { instances: 4 }, defaults)
      await expect(quotas.change('tenant-a', { instances: 1 }, defaults)).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
      })
      await quotas.setLimit('tenant-a', 'instances', -1)
      await quotas.change('tenant-a', { instances: 1000 }, defaults)
      await expect(quotas.change('tenant-b', { instances: 4 }, defaults)).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
      })
    })

    test('of many creates at once exactly as many as the limit allows succeed', async () => {
      const { db, versionId } = opened
      const create = () =>
        db.transaction(async (inside) => {
          await inside.quotas.change('tenant-a', { instances: 1, volumes: 1 }, defaults)
          await inside.instances.create(newInstance(versionId))
        })
      const results = await Promise.allSettled(Array.from({ length: 12 }, create))
      const refused = results.filter((result) => result.status === 'rejected')
      expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(
        Array(9).fill('QUOTA_EXCEEDED'),
      )
      expect(await db.instances.living()).toHaveLength(3)
      expect(await inUse()).toMatchObject({ instances: 3, volumes: 3 })
    })

    test('a recount sets the usage to what lives, and tells what was wrong', async () => {
      const { db, versionId } = opened
      const [kept, gone] = [newInstance(versionId, { volume_size: 5 }), newInstance(versionId)]
      await db.instances.create(kept)
      await db.instances.create(gone)
      await db.instances.create(newInstance(versionId, { volume_size: null, flavor_id: '7' }))
      await db.instances.softDelete(gone.id)
      await db.quotas.change('tenant-a', { instances: 3, volumes: 5 }, defaults)
      await db.quotas.change('tenant-b', { instances: 1 }, defaults)

      expect(await db.quotas.recount('tenant-a')).toEqual([
        { tenantId: 'tenant-a', resource: 'instances', was: 3, is: 2 },
      ])
      expect(await inUse('tenant-b')).toMatchObject({ instances: 1 })
      const ramOf = (flavor: string) => (flavor === '7' ? 2048 : 512)
      expect(await db.quotas.recount(undefined, ramOf)).toEqual([
        { tenantId: 'tenant-a', resource: 'ram', was: 0, is: 2560 },
        { tenantId: 'tenant-b', resource: 'instances', was: 1, is: 0 },
      ])
      expect(await db.quotas.recount()).toEqual([])
      expect(await inUse()).toEqual({ instances: 2, volumes: 5, backups: 0, ram: 2560 })
    })
  })
}
