import type { JsonObject } from '../commands/types.ts'
import { child, text } from '../output/fields.ts'

/** Where an object stands on its way. */
export type Outcome = 'working' | 'done' | 'failed'

/** The word a person reads: the status of instances and backups, the task of clusters. */
export function statusOf(object: JsonObject): string {
  return text(object.status) ?? text(child(object, 'task').name) ?? 'UNKNOWN'
}

/** States in which nothing more happens by itself (contract §3.3, §3.5, §3.6). */
const DONE = new Set(['ACTIVE', 'HEALTHY', 'RESTART_REQUIRED', 'COMPLETED', 'NONE'])
const FAILED = new Set(['ERROR', 'FAILED', 'DELETE_FAILED', 'CRASHED'])

/** What a status means for one who waits. */
export function outcomeOf(object: JsonObject): Outcome {
  const status = statusOf(object)
  if (FAILED.has(status)) return 'failed'
  return DONE.has(status) ? 'done' : 'working'
}

/** Why an object failed, in its own words. */
export function reasonOf(object: JsonObject): string | undefined {
  return text(child(object, 'fault').message)
}
