import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import { openDatabase } from '../../../runtime/db/index.ts'
import type { Database, NewInstance } from '../../../runtime/db/types.ts'
import { INSTANCE_TASKS } from '../../../runtime/model/instance-task.ts'

/** A database engine that the suites run on. */
export interface Engine {
  readonly name: string
  /** URL of a database with nothing in it. */
  readonly emptyUrl: () => Promise<string>
}

export interface TestClock extends Clock {
  readonly advance: (seconds: number) => void
}

export function testClock(): TestClock {
  let time = Date.parse('2026-11-23T10:00:00.250Z')
  return {
    now: () => new Date(time),
    sleep: async () => undefined,
    advance: (seconds) => {
      time += seconds * 1000
    },
  }
}

export interface Opened {
  readonly db: Database
  readonly clock: TestClock
  readonly url: string
  /** Id of a version of the datastore mysql. */
  readonly versionId: string
}

/** A fresh database with one datastore version. */
export async function openWithDatastore(engine: Engine): Promise<Opened> {
  const url = await engine.emptyUrl()
  const clock = testClock()
  const db = await openDatabase(url, { clock })
  return { db, clock, url, versionId: await addDatastore(db) }
}

export async function addDatastore(db: Database): Promise<string> {
  await db.datastores.putDatastore('mysql')
  const version = await db.datastores.putVersion({
    datastore: 'mysql',
    name: '9.7',
    manager: 'mysql',
    image_id: '0e1f7ab4-5bb6-8c2f-9a52-5b2d42a1b2c3',
    packages: 'mysql-server',
    active: true,
  })
  return version.id
}

export function newInstance(versionId: string, more: Partial<NewInstance> = {}): NewInstance {
  return {
    id: randomUUID(),
    name: 'm1',
    tenant_id: 'tenant-a',
    flavor_id: '2',
    volume_size: 1,
    datastore_version_id: versionId,
    task_code: INSTANCE_TASKS.BUILDING.code,
    created: new Date('2026-11-23T10:00:00Z'),
    ...more,
  }
}
