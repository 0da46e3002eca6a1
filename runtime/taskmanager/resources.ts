import type { Services } from './services.ts'

/** Servers and volumes that belong, or may belong, to one instance. */
export interface InstanceResources {
  readonly serverIds: readonly string[]
  readonly volumeIds: readonly string[]
}

/**
 * Everything that was ever asked for on behalf of an instance: by its row, by the journals of its tasks (a kill may have come
 * between the two), and by what the driver says belongs to it.
 */
export async function resourcesOf(
  { db, compute }: Pick<Services, 'db' | 'compute'>,
  instanceId: string,
): Promise<InstanceResources> {
  const row = await db.instances.get(instanceId, { deleted: true })
  const journal = await journaledIds(db, instanceId)
  const ours = (list: readonly { readonly id: string; readonly instanceId: string }[]) =>
    list.filter((item) => item.instanceId === instanceId).map(({ id }) => id)
  const unique = (ids: readonly (string | null | undefined)[]) => [
    ...new Set(ids.filter((id): id is string => typeof id === 'string')),
  ]
  return {
    serverIds: unique([row?.compute_instance_id, ...journal.serverIds, ...ours(await compute.listServers())]),
    volumeIds: unique([row?.volume_id, ...journal.volumeIds, ...ours(await compute.listVolumes())]),
  }
}

/** The ids that our own tasks chose for an instance: proof that we made what carries them. */
export async function journaledIds(db: Services['db'], instanceId: string): Promise<InstanceResources> {
  const serverIds: string[] = []
  const volumeIds: string[] = []
  for (const task of await db.tasks.ofInstance(instanceId)) {
    for (const { data } of await db.tasks.steps(task.id)) {
      const { serverId, volumeId } = JSON.parse(data) as { serverId?: string; volumeId?: string }
      if (typeof serverId === 'string') serverIds.push(serverId)
      if (typeof volumeId === 'string') volumeIds.push(volumeId)
    }
  }
  return { serverIds, volumeIds }
}
