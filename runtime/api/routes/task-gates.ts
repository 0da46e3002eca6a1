import { INSTANCE_TASKS, type InstanceTask } from '../../model/instance-task.ts'

/** Codes of the tasks that leave an instance free for another (Trove contract §3.4). */
export const FREE_TASKS: readonly number[] = [INSTANCE_TASKS.NONE.code, INSTANCE_TASKS.RESTART_REQUIRED.code]

/**
 * Codes of every task but DELETING. Whoever sets a task by force goes by these: a delete has given back its quota, and an
 * instance that came back from it would be counted no more, or given back twice.
 */
export const NOT_DELETING: readonly number[] = Object.values(INSTANCE_TASKS)
  .filter((task: InstanceTask) => task !== INSTANCE_TASKS.DELETING)
  .map((task) => task.code)

/** Codes of the tasks that a delete may end: a build goes on to its end, good or bad. */
export const DELETABLE: readonly number[] = NOT_DELETING.filter(
  (code) => code !== INSTANCE_TASKS.BUILDING.code,
)
