import { fromSqlTime, insertMany, toSqlTimeMs } from '../../lib/sql/index.ts'
import type { DbScope } from './scope.ts'
import type { StepRecord } from './types.ts'

/** In the order they were started first. */
export async function stepsOf({ sql: { db } }: DbScope, taskId: string): Promise<readonly StepRecord[]> {
  const rows = await db
    .selectFrom('task_steps')
    .select(['name', 'state', 'data', 'started', 'finished'])
    .where('task_id', '=', taskId)
    .orderBy('seq')
    .execute()
  return rows.map((row) => ({
    ...row,
    started: fromSqlTime(row.started),
    finished: row.finished === null ? null : fromSqlTime(row.finished),
  }))
}

/** Also for a step that a killed process had started: it keeps its place. */
export async function startStep(scope: DbScope, taskId: string, name: string, data: string): Promise<void> {
  const started = toSqlTimeMs(scope.clock.now())
  await insertMany(scope.sql, {
    table: 'task_steps',
    key: ['task_id', 'name'],
    update: { state: 'replace', data: 'replace', started: 'replace', finished: 'replace' },
    rows: [{ task_id: taskId, name, state: 'started', data, started, finished: null }],
  })
}

export async function finishStep(
  scope: DbScope,
  taskId: string,
  name: string,
  state: 'done' | 'undone',
  data: string,
): Promise<void> {
  await scope.sql.db
    .updateTable('task_steps')
    .set({ state, data, finished: toSqlTimeMs(scope.clock.now()) })
    .where('task_id', '=', taskId)
    .where('name', '=', name)
    .execute()
}
