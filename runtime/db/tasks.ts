import type { Selectable } from 'kysely'
import { fromSqlTime, toSqlTimeMs } from '../../lib/sql/index.ts'
import { atomically, type DbScope } from './scope.ts'
import type { TasksTable } from './tables.ts'
import { claim } from './task-claim.ts'
import { finishStep, startStep, stepsOf } from './task-steps.ts'
import type { TaskRecord, TaskRepository } from './types.ts'

const ENDED: readonly TasksTable['state'][] = ['done', 'failed']

export function taskRepository(scope: DbScope): TaskRepository {
  const { db } = scope.sql
  const time = () => toSqlTimeMs(scope.clock.now())
  /** Changes of a task that only its holder may make, and only while it is not ended. */
  const heldBy = (taskId: string, owner: string) =>
    db
      .updateTable('tasks')
      .where('id', '=', taskId)
      .where('owner', '=', owner)
      .where('state', 'not in', ENDED)
  return {
    enqueue: async ({ id, kind, instanceId, tenantId, args, requestId }) => {
      const row = { id, kind, instance_id: instanceId, tenant_id: tenantId, args, state: 'queued' as const }
      const holder = { owner: null, lease_until: null, attempts: 0, request_id: requestId ?? null }
      const times = { created: time(), updated: time() }
      await db
        .insertInto('tasks')
        .values({ ...row, ...holder, ...times, error_code: null, error_message: null })
        .execute()
    },

    claim: async (owner, leaseMs, now) => {
      const row = await claim(scope, owner, leaseMs, now)
      return row === undefined ? undefined : taskOf(row)
    },

    renew: async (taskId, owner, leaseMs, now) => {
      const { numUpdatedRows } = await heldBy(taskId, owner)
        .set({ lease_until: now.getTime() + leaseMs, updated: time() })
        // A lease that ran out is lost even if nobody took the task yet: somebody may be about to.
        .where('lease_until', '>', now.getTime())
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    setState: async (taskId, owner, state, error) => {
      const ended = ENDED.includes(state)
      const { numUpdatedRows } = await heldBy(taskId, owner)
        .set({
          state,
          updated: time(),
          ...(error === undefined ? {} : { error_code: error.code, error_message: error.message }),
          ...(ended ? { args: '', lease_until: null } : {}),
        })
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },

    held: async (now) => {
      const rows = await db
        .selectFrom('tasks')
        .select(['id', 'owner'])
        .where('state', 'not in', ENDED)
        .where('lease_until', '>', now.getTime())
        .execute()
      return rows.map(({ id, owner }) => ({ id, owner: owner ?? '' }))
    },

    release: async (taskId, owner) => {
      await heldBy(taskId, owner).set({ owner: null, lease_until: null, updated: time() }).execute()
    },

    steps: (taskId) => stepsOf(scope, taskId),
    startStep: (taskId, name, data) => startStep(scope, taskId, name, data),
    finishStep: (taskId, name, state, data) => finishStep(scope, taskId, name, state, data),

    get: async (taskId) => {
      const row = await db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirst()
      return row === undefined ? undefined : taskOf(row)
    },

    ofInstance: async (instanceId) => {
      const query = db.selectFrom('tasks').selectAll().where('instance_id', '=', instanceId).orderBy('seq')
      return (await query.execute()).map(taskOf)
    },

    prune: (before) => atomically(scope, (inside) => prune(inside, before)),
  }
}

async function prune({ sql: { db } }: DbScope, before: Date): Promise<number> {
  const old = db
    .selectFrom('tasks')
    .select('id')
    .where('state', 'in', ENDED)
    .where('updated', '<', toSqlTimeMs(before))
  const ids = (await old.execute()).map(({ id }) => id)
  for (let from = 0; from < ids.length; from += 500) {
    const chunk = ids.slice(from, from + 500)
    await db.deleteFrom('task_steps').where('task_id', 'in', chunk).execute()
    await db.deleteFrom('tasks').where('id', 'in', chunk).execute()
  }
  return ids.length
}

function taskOf(row: Selectable<TasksTable>): TaskRecord {
  return {
    id: row.id,
    kind: row.kind,
    instanceId: row.instance_id,
    tenantId: row.tenant_id,
    args: row.args,
    state: row.state,
    owner: row.owner,
    attempts: row.attempts,
    requestId: row.request_id,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    created: fromSqlTime(row.created),
  }
}
