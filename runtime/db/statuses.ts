import { randomUUID } from 'node:crypto'
import { fromSqlTime, insertMany } from '../../lib/sql/index.ts'
import { serviceStatusOfCode } from '../model/service-status.ts'
import { applyHeartbeats } from './heartbeats.ts'
import { atomically, type DbScope, now } from './scope.ts'
import type { StatusRepository } from './types.ts'

export function statusRepository(scope: DbScope): StatusRepository {
  return {
    set: (instanceId, code) => setStatus(scope, instanceId, code),
    get: async (instanceId) => {
      const row = await scope.sql.db
        .selectFrom('service_statuses')
        .select(['status_id', 'updated_at'])
        .where('instance_id', '=', instanceId)
        .executeTakeFirst()
      if (row === undefined) return undefined
      return { code: row.status_id, updated: row.updated_at === null ? null : fromSqlTime(row.updated_at) }
    },
    applyHeartbeats: (heartbeats) => atomically(scope, (inside) => applyHeartbeats(inside, heartbeats)),
    isFresh: (instanceId, method, sent) => isFresh(scope, instanceId, method, sent),
  }
}

/** Sets the service status of an instance, whether it had one or not. */
export async function setStatus(scope: DbScope, instanceId: string, code: number): Promise<void> {
  const { description } = serviceStatusOfCode(code)
  await insertMany(scope.sql, {
    table: 'service_statuses',
    key: ['instance_id'],
    update: { status_id: 'replace', status_description: 'replace', updated_at: 'replace' },
    rows: [
      {
        id: randomUUID(),
        instance_id: instanceId,
        status_id: code,
        status_description: description,
        updated_at: now(scope),
      },
    ],
  })
}

/** One statement decides, so two conductors cannot both take the same message for new (contract §4.2). */
async function isFresh(scope: DbScope, instanceId: string, method: string, sent: number): Promise<boolean> {
  const { numUpdatedRows } = await scope.sql.db
    .updateTable('conductor_lastseen')
    .set({ sent })
    .where('instance_id', '=', instanceId)
    .where('method_name', '=', method)
    .where('sent', '<', sent)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) return true
  const inserted = await insertMany(scope.sql, {
    table: 'conductor_lastseen',
    key: ['instance_id', 'method_name'],
    rows: [{ instance_id: instanceId, method_name: method, sent }],
  })
  return inserted > 0
}
