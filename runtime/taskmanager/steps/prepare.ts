import type { CreateInstanceArgs } from '../../model/task-args.ts'
import type { PrepareArgs } from '../../rpc/guest-methods.ts'
import type { JsonObject } from '../../rpc/types.ts'
import { guestQueue } from '../../transport/types.ts'
import type { Step } from '../flow/types.ts'
import type { Services } from '../services.ts'

/**
 * Sends `prepare`, which waits in the guest's queue until its agent has booted. The message's id follows from the task, so
 * that sending it again does nothing.
 */
export const prepare: Step<CreateInstanceArgs> = {
  name: 'prepare sent',
  deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
  async run({ services, task, args, signal }) {
    const message = await prepareArgs(services, task.instanceId, args)
    await services.rpc.cast(guestQueue(task.instanceId), 'prepare', message as unknown as JsonObject, {
      id: `prepare-${task.id}`,
      ...(task.requestId === null ? {} : { requestId: task.requestId }),
      signal,
    })
    return undefined
  },
  onFailure: () => 'BUILDING_ERROR_SERVER',
}

async function prepareArgs(
  { renderConfig, settings }: Services,
  instanceId: string,
  args: CreateInstanceArgs,
): Promise<PrepareArgs> {
  const { manager, name, versionName } = args.datastore
  const { devicePath, mountPoint } = settings.datastore(manager)
  return {
    memory_mb: args.flavor.ram,
    packages: args.packages,
    databases: args.databases,
    users: args.users,
    config_contents: await renderConfig({
      manager,
      datastore: name,
      version: versionName,
      flavor: args.flavor,
      instanceId,
    }),
    ...(args.volumeSize === null
      ? {}
      : { device_path: devicePath, mount_point: mountPoint, volume_fstype: settings.volumeFstype }),
    ...(args.rootPassword === undefined ? {} : { root_password: args.rootPassword }),
  }
}
