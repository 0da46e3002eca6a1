import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import { layoutOf } from './layout.ts'
import { readRecord, type ServerRecord } from './record.ts'

/**
 * The images that disks of servers are layers over, by id: to delete one of them would destroy those servers.
 *
 * @param stateDir whose servers, running or not
 */
export async function imagesInUse(stateDir: string): Promise<ReadonlySet<string>> {
  const { instances } = layoutOf(stateDir)
  const names = await readdir(instances).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  const records = await Promise.all(
    names.map((name) => readRecord<ServerRecord>(join(instances, name, 'server.json'))),
  )
  return new Set(records.flatMap((record) => (record === undefined ? [] : [record.image.id])))
}
