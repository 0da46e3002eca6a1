import type { TaskArgs, TaskKind } from '../../model/task-args.ts'
import type { Flow } from '../flow/types.ts'
import { createInstance } from './create-instance.ts'
import { deleteInstance } from './delete-instance.ts'
import { reboot, restart } from './engine.ts'
import { applySecurityRules } from './security-rules.ts'

/** The flow of each kind of task. */
export const FLOWS: { readonly [Kind in TaskKind]: Flow<TaskArgs[Kind]> } = {
  create_instance: createInstance,
  delete_instance: deleteInstance,
  restart,
  reboot,
  apply_security_rules: applySecurityRules,
}

/** The flow of a stored kind, or undefined when a newer version wrote it. */
export function flowOf(kind: string): Flow<unknown> | undefined {
  return Object.hasOwn(FLOWS, kind) ? (FLOWS[kind as TaskKind] as Flow<unknown>) : undefined
}
