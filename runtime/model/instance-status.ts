import { INSTANCE_TASKS, type InstanceTask, instanceTask } from './instance-task.ts'
import { SERVICE_STATUSES, type ServiceStatus, serviceStatusOfCode } from './service-status.ts'

/** What is known of an instance when its status word is computed. */
export interface StatusFacts {
  readonly taskCode: number
  readonly serviceCode: number
  /** The server's state in Nova's words (ACTIVE, BUILD, ERROR, REBOOT, RESIZE, SHUTDOWN …); null while there is none. */
  readonly serverStatus: string | null
  readonly backupRunning: boolean
}

/** Words of an action that show through at once, whatever the server says. */
const BY_ACTION: Readonly<Record<string, string>> = {
  REBOOTING: 'REBOOT',
  RESIZING: 'RESIZE',
  RESTART_REQUIRED: 'RESTART_REQUIRED',
  PROMOTING: 'PROMOTE',
  EJECTING: 'EJECT',
  LOGGING: 'LOGGING',
  DETACHING: 'DETACH',
  UPGRADING: 'UPGRADE',
}

/** The `status` that the API shows: first match wins (Trove contract §3.3, Kilo's order). */
export function instanceStatus(facts: StatusFacts): string {
  const task = instanceTask(facts.taskCode)
  const service = serviceStatusOfCode(facts.serviceCode)
  if (task.isError) return 'ERROR'
  if (task.action === 'BUILDING') return facts.serverStatus === 'ERROR' ? 'ERROR' : 'BUILD'
  const word = BY_ACTION[task.action]
  if (word !== undefined) return word
  if (['BUILD', 'ERROR', 'REBOOT', 'RESIZE'].includes(facts.serverStatus ?? ''))
    return facts.serverStatus ?? ''
  if (facts.serverStatus === 'VERIFY_RESIZE') return 'RESIZE'
  if (facts.backupRunning) return 'BACKUP'
  if (task === INSTANCE_TASKS.DELETING) {
    return ['ACTIVE', 'SHUTDOWN', 'DELETED', null].includes(facts.serverStatus) ? 'SHUTDOWN' : 'ERROR'
  }
  if (service === SERVICE_STATUSES.PAUSED) return 'REBOOT'
  if (service === SERVICE_STATUSES.NEW) return 'BUILD'
  return service.apiStatus
}

/** `operating_status`: the database's own word while nothing is being done to the instance, else empty (contract §3.3). */
export function operatingStatus(facts: StatusFacts): string {
  const idle = instanceTask(facts.taskCode) === INSTANCE_TASKS.NONE && facts.serverStatus === 'ACTIVE'
  return idle ? serviceStatusOfCode(facts.serviceCode).apiStatus : ''
}

/** What keeps an action from starting: the word to name in the fault, or undefined when it may start (contract §3.4). */
export function whyNoAction(facts: StatusFacts): string | undefined {
  const task: InstanceTask = instanceTask(facts.taskCode)
  const service: ServiceStatus = serviceStatusOfCode(facts.serviceCode)
  const free = task === INSTANCE_TASKS.NONE || task === INSTANCE_TASKS.RESTART_REQUIRED
  if (facts.serverStatus === 'ACTIVE' && free && service.allowsActions && !facts.backupRunning)
    return undefined
  return instanceStatus(facts)
}
