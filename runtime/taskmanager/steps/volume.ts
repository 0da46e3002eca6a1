import { randomUUID } from 'node:crypto'
import { CofferError } from '../../../lib/errors.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import { textOf } from '../flow/data.ts'
import type { Step } from '../flow/types.ts'

/** The data volume, unless the data stays on the root disk. */
export const volume: Step<CreateInstanceArgs> = {
  name: 'volume created',
  deadlineMs: ({ settings }) => settings.volumeTimeOut * 1000,
  choose: ({ args }) => (args.volumeSize === null ? {} : { volumeId: randomUUID() }),
  async run({ services, task, data, args, wait }) {
    if (args.volumeSize === null) return undefined
    const id = textOf(data, 'volumeId')
    await services.compute.createVolume({
      id,
      name: `datastore-${task.instanceId}`,
      sizeGb: args.volumeSize,
      instanceId: task.instanceId,
      fsType: services.settings.volumeFstype,
    })
    await wait({
      until: 'the volume is available',
      hint: 'See whether the storage of the compute driver has room left and answers.',
      async probe() {
        const state = await services.compute.getVolume(id)
        if (state === undefined || state.status === 'error') {
          throw new CofferError('VOLUME_FAILED', 'The volume could not be created', {
            hint: 'See the log of the compute driver; then delete the instance and create it again.',
          })
        }
        return state.status === 'available' || state.status === 'in-use' ? true : undefined
      },
    })
    await services.db.instances.update(task.instanceId, { volume_id: id })
    return undefined
  },
  async undo({ services, task, data }) {
    if (data.volumeId === undefined) return
    await services.db.instances.update(task.instanceId, { volume_id: null })
    await services.compute.deleteVolume(textOf(data, 'volumeId'))
  },
  onFailure: () => 'BUILDING_ERROR_VOLUME',
}
