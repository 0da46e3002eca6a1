import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Database } from '../../db/types.ts'
import type { TaskArgs, TaskKind } from '../../model/task-args.ts'
import type { Settings } from '../../settings/types.ts'
import type { ApiDeps } from '../deps.ts'

/** Leaves work for the task manager. Call it inside the transaction that changes the instance's row, then {@link nudge}. */
export async function enqueue<Kind extends TaskKind>(
  inside: Database,
  request: FastifyRequest,
  deps: ApiDeps,
  kind: Kind,
  instance: { readonly id: string; readonly tenant_id: string },
  args: TaskArgs[Kind],
): Promise<void> {
  await inside.tasks.enqueue({
    id: randomUUID(),
    kind,
    instanceId: instance.id,
    tenantId: instance.tenant_id,
    args: deps.seal.seal(JSON.stringify(args)),
    requestId: request.id,
  })
}

/** Tells the task managers that there is work. They also look by themselves, so a lost nudge costs a moment only. */
export function nudge(request: FastifyRequest, deps: ApiDeps): void {
  const failed = (error: unknown) =>
    request.log.warn(
      { err: error },
      'The task manager could not be told of new work; it will find it by itself',
    )
  deps.rpc.cast('taskmanager', 'run_tasks', {}, { requestId: request.id }).catch(failed)
}

/** What a tenant may have where no limit of its own is set (contract §5.2). */
export function quotaDefaults(settings: Settings): Readonly<Record<string, number>> {
  return {
    instances: settings.maxInstancesPerTenant,
    volumes: settings.maxVolumesPerTenant,
    backups: settings.maxBackupsPerTenant,
    ram: settings.maxRamPerTenant,
  }
}
