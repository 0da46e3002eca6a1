import { INSTANCE_TASKS } from '../../model/instance-task.ts'
import { SERVICE_STATUSES } from '../../model/service-status.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import { usageEvent } from '../events.ts'
import { failureDetails } from '../flow/failure.ts'
import type { Flow, Step } from '../flow/types.ts'
import { guestCredential } from '../steps/credential.ts'
import { prepare } from '../steps/prepare.ts'
import { securityGroup } from '../steps/security-group.ts'
import { server } from '../steps/server.ts'
import { serviceRuns } from '../steps/service.ts'
import { volume } from '../steps/volume.ts'

const BUILDING = [INSTANCE_TASKS.BUILDING.code]

/** The instance is the user's from here on. */
const released: Step<CreateInstanceArgs> = {
  name: 'instance released',
  deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
  async run({ services, task, args, instance, log }) {
    const { db } = services
    await db.instances.update(task.instanceId, { task_code: INSTANCE_TASKS.NONE.code }, BUILDING)
    usageEvent(log, 'trove.instance.create', await instance(), args.flavor)
    return undefined
  },
}

/** Builds an instance (contract §3.7 Create). A failed one keeps its row, in error, until its user deletes it. */
export const createInstance: Flow<CreateInstanceArgs> = {
  kind: 'create_instance',
  steps: [guestCredential(), securityGroup, volume, server, prepare, serviceRuns, released],
  isCancelled: (instance) =>
    instance === undefined || instance.deleted || instance.task_code === INSTANCE_TASKS.DELETING.code,
  async failed({ services, task }, failure) {
    if (failure.code === 'TASK_CANCELLED') return
    const { db } = services
    if (failure.step === serviceRuns.name && failure.code === 'WAIT_TIMED_OUT') {
      await db.statuses.set(task.instanceId, SERVICE_STATUSES.FAILED_TIMEOUT_GUESTAGENT.code)
    }
    // The task changes last: once it says error, this has all been told.
    await db.instances.addFault(task.instanceId, failure.message, failureDetails(failure))
    const { code } = INSTANCE_TASKS[failure.task ?? 'BUILDING_ERROR_SERVER']
    await db.instances.update(task.instanceId, { task_code: code }, BUILDING)
  },
}
