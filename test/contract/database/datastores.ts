import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, newInstance, type Opened, openWithDatastore } from './fixtures.ts'

export function datastoreSuite(engine: Engine): void {
  describe(`datastores on ${engine.name}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
    })
    afterEach(() => opened.db.close())

    const version = (name: string, more: { version?: string; active?: boolean } = {}) =>
      opened.db.datastores.putVersion({
        datastore: 'mysql',
        name,
        manager: 'mysql',
        image_id: 'image-1',
        packages: 'mysql-server',
        active: true,
        ...more,
      })

    test('a datastore is found by name and by id, and its name is exact', async () => {
      const { datastores } = opened.db
      const mysql = await datastores.get('mysql')
      expect(mysql).toMatchObject({ name: 'mysql', default_version_id: null })
      expect(await datastores.get(mysql?.id ?? '')).toEqual(mysql)
      expect(await datastores.get('MySQL')).toBeUndefined()
      await datastores.putDatastore('mariadb')
      expect((await datastores.list()).map(({ name }) => name)).toEqual(['mariadb', 'mysql'])
    })

    test('the default version is named by name or id; an empty name leaves it', async () => {
      const { datastores } = opened.db
      const next = await version('9.8')
      const before = await datastores.putDatastore('mysql', '9.7')
      expect(before.default_version_id).toBe(opened.versionId)
      expect((await datastores.putDatastore('mysql', next.id)).default_version_id).toBe(next.id)
      expect(await datastores.putDatastore('mysql', '')).toEqual({ ...before, default_version_id: next.id })
      await expect(datastores.putDatastore('mysql', '5.5')).rejects.toMatchObject({
        code: 'DATASTORE_VERSION_UNKNOWN',
      })
    })

    test('a failed update of a new datastore does not leave it behind', async () => {
      const { datastores } = opened.db
      await expect(datastores.putDatastore('redis', '7')).rejects.toThrow("no version '7'")
      expect(await datastores.get('redis')).toBeUndefined()
    })

    test('a version is made once and changed afterwards, and keeps its id', async () => {
      const { datastores } = opened.db
      const first = await version('9.8')
      const second = await version('9.8', { active: false })
      expect(second).toEqual({ ...first, active: false })
      expect(await datastores.versionById(first.id)).toEqual(second)
      expect((await datastores.allVersions()).map(({ name }) => name)).toEqual(['9.7', '9.8'])
    })

    test('versions of one name differ by number, and one that names none has its name for it', async () => {
      const { datastores } = opened.db
      const [plain, numbered] = [await version('9'), await version('9', { version: '9.7.1' })]
      expect(plain.version).toBe('9')
      expect(numbered.id).not.toBe(plain.id)
      expect(await datastores.findVersion('mysql', '9', '9.7.1')).toEqual(numbered)
      expect(await datastores.findVersion('mysql', '9')).toEqual(plain)
      expect(await datastores.findVersion('mysql', numbered.id)).toEqual(numbered)
      expect(await datastores.findVersion('mysql', '9', '1')).toBeUndefined()
      expect(await datastores.findVersion('oracle', '9')).toBeUndefined()
      await expect(datastores.patchVersion(numbered.id, { version: '9' })).rejects.toMatchObject({
        code: 'DATASTORE_VERSION_EXISTS',
      })
      expect(await datastores.patchVersion(numbered.id, { active: false, image_id: 'image-2' })).toBe(true)
      expect(await datastores.versionById(numbered.id)).toMatchObject({ active: false, image_id: 'image-2' })
      expect(await datastores.patchVersion('nowhere', {})).toBe(false)
    })

    test('a version of an unknown datastore is refused, by a sentence that says what to do', async () => {
      const wanted = { name: '7', manager: 'redis', image_id: 'i', packages: '', active: true }
      await expect(opened.db.datastores.putVersion({ datastore: 'redis', ...wanted })).rejects.toMatchObject({
        code: 'DATASTORE_UNKNOWN',
        hint: 'Make it first: trove-manage datastore_update redis "".',
      })
    })

    test('parameters are replaced as a whole, their bounds to the last digit', async () => {
      const { datastores } = opened.db
      const rule = { restart_required: true, data_type: 'integer', min_size: '0', max_size: null }
      await datastores.putParameters(opened.versionId, [
        { ...rule, name: 'max_connections', max_size: '18446744073709551615' },
        { ...rule, name: 'autocommit', restart_required: false },
      ])
      expect(await datastores.parameters(opened.versionId)).toEqual([
        { ...rule, name: 'autocommit', restart_required: false, datastore_version_id: opened.versionId },
        {
          ...rule,
          name: 'max_connections',
          max_size: '18446744073709551615',
          datastore_version_id: opened.versionId,
        },
      ])
      await datastores.putParameters(opened.versionId, [{ ...rule, name: 'port' }])
      expect((await datastores.parameters(opened.versionId)).map(({ name }) => name)).toEqual(['port'])
      await datastores.putParameters(opened.versionId, [])
      expect(await datastores.parameters(opened.versionId)).toEqual([])
    })

    test('a version goes with its parameters, unless an instance was made from it', async () => {
      const { db, versionId } = opened
      const spare = await version('9.8')
      const rule = { restart_required: true, data_type: 'integer', min_size: null, max_size: null }
      await db.datastores.putParameters(spare.id, [{ ...rule, name: 'port' }])
      await db.datastores.putDatastore('mysql', '9.8')
      await db.instances.create(newInstance(versionId))

      expect(await db.datastores.deleteVersion(spare.id)).toBe(true)
      expect(await db.datastores.deleteVersion(spare.id)).toBe(false)
      const mysql = await db.datastores.get('mysql')
      expect(mysql?.default_version_id).toBeNull()
      expect(await db.datastores.parameters(spare.id)).toEqual([])
      await expect(db.datastores.deleteVersion(versionId)).rejects.toMatchObject({
        code: 'DATASTORE_VERSION_IN_USE',
      })
      await expect(db.datastores.deleteDatastore(mysql?.id ?? '')).rejects.toMatchObject({
        code: 'DATASTORE_HAS_VERSIONS',
      })
      const empty = await db.datastores.putDatastore('redis')
      expect(await db.datastores.deleteDatastore(empty.id)).toBe(true)
      expect(await db.datastores.get('redis')).toBeUndefined()
    })
  })
}
