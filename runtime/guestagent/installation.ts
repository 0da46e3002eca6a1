import { SERVICE_STATUSES } from '../model/service-status.ts'
import type { GuestDatabase, GuestUser, PrepareArgs } from '../rpc/guest-methods.ts'
import { type EventLog, reasonOf } from '../transport/log.ts'
import { isFault, oneLine, wireError } from './errors.ts'
import type { Reporter } from './reporter.ts'
import type { AgentState } from './state.ts'
import type { DatastoreManager } from './types.ts'

/** What an installation works with. */
export interface InstallationParts {
  readonly manager: DatastoreManager
  readonly state: AgentState
  readonly reporter: Reporter
  /** What was begun before the control plane asked for it (see ahead.ts); it never fails. */
  readonly ahead?: Promise<void>
  readonly log: EventLog
}

/**
 * Carries out `prepare` (contract §4.3): the engine on its volume, then databases and users. Reports `building` first and
 * the real state at the end, or `failed to spawn` with the reason. Never throws: the control plane learns from reports.
 *
 * A guest that is prepared stays as it is. One that was interrupted starts again, and each part finds what is done.
 */
export async function install(args: PrepareArgs, parts: InstallationParts): Promise<void> {
  const { manager, state, reporter, ahead, log } = parts
  if (state.installation().stage === 'prepared') {
    log.info({}, 'The guest is prepared already')
    return reporter.look()
  }
  // Nobody waits for this report to arrive: the work goes on meanwhile.
  const told = reporter.tell({ status: SERVICE_STATUSES.BUILDING.description })
  try {
    await state.setInstallation({ stage: 'preparing' })
    await ahead
    const progress = (step: string) => log.info({ step }, 'Preparing the guest')
    await manager.prepare(args, progress)
    if (args.databases.length + args.users.length > 0) progress('creating databases and users')
    for (const database of args.databases) await ensureDatabase(manager, database)
    for (const user of args.users) await ensureUser(manager, user)
    await told
    await state.setInstallation({ stage: 'prepared' })
    log.info({}, 'The guest is prepared')
    await reporter.look()
  } catch (error) {
    log.error({ reason: oneLine(reasonOf(error)) }, 'The guest could not be prepared')
    const reason = wireError(error).message
    await told
    await reporter.tell({ status: SERVICE_STATUSES.FAILED.description, reason })
    await state.setInstallation({ stage: 'failed', reason })
  }
}

async function ensureDatabase(manager: DatastoreManager, database: GuestDatabase): Promise<void> {
  try {
    await manager.databases?.create([database])
  } catch (error) {
    if (!isFault(error, 'DATABASE_ALREADY_EXISTS')) throw error
  }
}

/** A user that is there already was made by an interrupted run, perhaps without its grants. */
async function ensureUser(manager: DatastoreManager, user: GuestUser): Promise<void> {
  try {
    await manager.users?.create([user])
  } catch (error) {
    if (!isFault(error, 'USER_ALREADY_EXISTS')) throw error
    await manager.users?.changePasswords([user])
    const databases = (user._databases ?? []).map(({ _name }) => _name)
    await manager.users?.access?.grant(user._name, user._host ?? '%', databases)
  }
}
