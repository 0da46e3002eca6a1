import { type Selectable, sql } from 'kysely'
import { toSqlTimeMs } from '../../lib/sql/index.ts'
import type { DbScope } from './scope.ts'
import type { TasksTable } from './tables.ts'

const OPEN: readonly TasksTable['state'][] = ['queued', 'running', 'undoing']
/** Losing the race for a task this often means that others find work well enough. */
const TRIES = 10

/**
 * Takes the oldest task that nobody holds. Looking costs one read and no lock; taking is one conditional update, which only
 * one of any number of processes wins, on both engines.
 */
export async function claim(
  scope: DbScope,
  owner: string,
  leaseMs: number,
  now: Date,
): Promise<Selectable<TasksTable> | undefined> {
  const { db } = scope.sql
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const candidate = await oldestFree(scope, now.getTime())
    if (candidate === undefined) return undefined
    const { numUpdatedRows } = await db
      .updateTable('tasks')
      .set({
        owner,
        lease_until: now.getTime() + leaseMs,
        attempts: sql`attempts + 1`,
        state: sql`case when state = 'queued' then 'running' else state end`,
        updated: toSqlTimeMs(scope.clock.now()),
      })
      .where('id', '=', candidate.id)
      .where('state', 'in', OPEN)
      // A claim by another process in the meantime is seen by its attempt, whatever its clock says.
      .where('attempts', '=', candidate.attempts)
      .where((where) =>
        where.or([where('lease_until', 'is', null), where('lease_until', '<=', now.getTime())]),
      )
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) continue
    return db.selectFrom('tasks').selectAll().where('id', '=', candidate.id).executeTakeFirst()
  }
  return undefined
}

/**
 * The first in order of arrival, so that an earlier free task of the same instance comes before it, and none while another
 * task of its instance is held.
 */
function oldestFree({ sql: { db } }: DbScope, now: number) {
  return db
    .selectFrom('tasks as t')
    .select(['t.id', 't.attempts'])
    .where('t.state', 'in', OPEN)
    .where((where) => where.or([where('t.lease_until', 'is', null), where('t.lease_until', '<=', now)]))
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('tasks as other')
            .select('other.id')
            .whereRef('other.instance_id', '=', 't.instance_id')
            .where('other.state', 'in', OPEN)
            .where('other.lease_until', '>', now),
        ),
      ),
    )
    .orderBy('t.seq')
    .limit(1)
    .executeTakeFirst()
}
