import { SERVICE_STATUSES } from '../model/service-status.ts'
import { GUEST_METHODS, type GuestMethodName } from '../rpc/guest-methods.ts'
import type { Json, JsonObject, RpcContext, RpcMethod } from '../rpc/types.ts'
import { type EventLog, reasonOf } from '../transport/log.ts'
import {
  databaseOf,
  databasesArgument,
  hostArgument,
  optionalText,
  pageArgument,
  prepareArguments,
  textArgument,
  textList,
  userOf,
  usersArgument,
} from './arguments.ts'
import { badRequest, guestError, notSupported, wireError } from './errors.ts'
import { install } from './installation.ts'
import { diagnosticsOf, hardwareInfo } from './machine/hardware.ts'
import { volumeInfo } from './machine/volume-figures.ts'
import type { Reporter } from './reporter.ts'
import type { ServiceControl } from './service/service-control.ts'
import type { AgentState } from './state.ts'
import type { DatastoreManager, UserRole } from './types.ts'

/** What the methods work with. */
export interface MethodParts {
  readonly manager: DatastoreManager
  readonly service: ServiceControl
  readonly state: AgentState
  readonly reporter: Reporter
  readonly ahead?: Promise<void>
  readonly agentVersion: string
  readonly log: EventLog
}

type Answer = Promise<unknown>
type Methods = Readonly<Record<GuestMethodName, (args: JsonObject) => Answer>>

/** Everything a guest agent answers (contract §4.3), ready for the RPC server. */
export function guestMethods(parts: MethodParts): Readonly<Record<string, RpcMethod>> {
  const methods = handlers(parts)
  return Object.fromEntries(
    Object.entries(GUEST_METHODS).map(([name, { lane }]) => [
      name,
      { lane, run: (args, context) => answer(name as GuestMethodName, args, context) },
    ]),
  )

  /** Errors leave as faults: what else they hold stays in the guest's own log. */
  async function answer(
    name: GuestMethodName,
    args: JsonObject,
    { requestId }: RpcContext,
  ): Promise<Json | undefined> {
    try {
      return (await methods[name](args)) as Json | undefined
    } catch (error) {
      parts.log.warn({ method: name, requestId, reason: reasonOf(error) }, 'A request failed')
      throw wireError(error)
    }
  }
}

function handlers(parts: MethodParts): Methods {
  const { manager, service, reporter } = parts
  const users = (operation: string): UserRole => manager.users ?? unsupported(operation)
  const databases = (operation: string) => manager.databases ?? unsupported(operation)
  const access = (operation: string) => users(operation).access ?? unsupported(operation)
  const root = (operation: string) => manager.root ?? unsupported(operation)
  const unsupported = (operation: string): never => {
    throw notSupported(operation, manager.name)
  }
  const account = (args: JsonObject): [string, string] => [
    textArgument(args, 'username'),
    hostArgument(args, 'hostname'),
  ]
  return {
    prepare: (args) => install(prepareArguments(args), parts),

    create_user: (args) => users('create_user').create(usersArgument(args)),
    delete_user: (args) => users('delete_user').delete(userOf(args.user)),
    change_passwords: (args) => users('change_passwords').changePasswords(withPasswords(args)),
    update_attributes: (args) =>
      users('update_attributes').updateAttributes(...account(args), attributes(args)),
    get_user: (args) => users('get_user').get(...account(args)),
    list_users: (args) => users('list_users').list(pageArgument(args)),

    list_access: (args) => access('list_access').list(...account(args)),
    grant_access: (args) => access('grant_access').grant(...account(args), textList(args, 'databases')),
    revoke_access: (args) => access('revoke_access').revoke(...account(args), textArgument(args, 'database')),

    create_database: (args) => databases('create_database').create(databasesArgument(args)),
    delete_database: (args) => databases('delete_database').delete(databaseOf(args.database)),
    list_databases: (args) => databases('list_databases').list(pageArgument(args)),

    enable_root: () => root('enable_root').enable(),
    enable_root_with_password: (args) =>
      root('enable_root_with_password').enable(optionalText(args, 'root_password')),
    disable_root: () => root('disable_root').disable(),
    is_root_enabled: () => root('is_root_enabled').isEnabled(),

    async restart() {
      requirePrepared()
      // A restart is no news, a failed one is.
      try {
        await reporter.during(() => manager.restart())
      } finally {
        await reporter.look()
      }
    },
    async stop_db(args) {
      requirePrepared()
      await reporter.during(() => manager.stop({ doNotStartOnReboot: args.do_not_start_on_reboot === true }))
      await reporter.tell({ status: SERVICE_STATUSES.SHUTDOWN.description })
    },

    get_volume_info: (args) => volumeInfo(optionalText(args, 'fs_path') ?? manager.dataPath),
    get_hwinfo: () => hardwareInfo(),
    async get_diagnostics() {
      const { mainPid } = await service.state()
      if (mainPid === 0) throw guestError('the database does not run')
      return diagnosticsOf(mainPid, parts.agentVersion)
    },
    rpc_ping: async () => true,
  }

  function requirePrepared(): void {
    if (parts.state.installation().stage !== 'prepared') throw guestError('the guest is not prepared yet')
  }
}

function withPasswords(args: JsonObject) {
  const users = usersArgument(args)
  for (const { _name, _password = '' } of users) {
    if (_password === '') throw badRequest(`There is no new password for the user '${_name}'.`)
  }
  return users
}

function attributes(args: JsonObject): { name?: string; password?: string; host?: string } {
  const given = args.user_attrs
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw badRequest('user_attrs has to be an object.')
  }
  const entries = ['name', 'password', 'host'].flatMap((key) => {
    const value = optionalText(given as JsonObject, key)
    return value === undefined || value === '' ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}
