import { fault } from '../../model/faults.ts'
import {
  checkCharacterSet,
  checkDatabaseName,
  checkHost,
  checkPassword,
  checkUserName,
  type NameContext,
  usersHaveHosts,
} from '../../model/names.ts'
import type { GuestDatabase, GuestUser } from '../../rpc/guest-methods.ts'
import type { Settings } from '../../settings/types.ts'
import type { DatabaseBody, UserBody } from '../schemas/wire.ts'

/** Which names the manager's engine takes on this installation. */
export function nameContext(manager: string, settings: Settings): NameContext {
  return {
    manager,
    reserved: settings.datastore(manager),
    hostMustBeAddress: settings.hostnameRequireValidIp,
  }
}

/**
 * Checks databases of a body and turns them into what travels to the guest (Trove contract §4.3).
 *
 * @throws CofferError BAD_REQUEST, DATABASE_DUPLICATE
 */
export function guestDatabases(bodies: readonly DatabaseBody[], names: NameContext): GuestDatabase[] {
  const seen = new Set<string>()
  return bodies.map(({ name, character_set: characterSet, collate }) => {
    checkDatabaseName(name, names)
    checkCharacterSet(characterSet, collate, names)
    if (seen.has(name)) throw fault('DATABASE_DUPLICATE')
    seen.add(name)
    return {
      _name: name,
      ...(characterSet === undefined ? {} : { _character_set: characterSet }),
      ...(collate === undefined ? {} : { _collate: collate }),
    }
  })
}

/**
 * Checks users of a body and turns them into what travels to the guest.
 *
 * @param known the only databases that users may be given; absent: any (the instance's own are not known here)
 * @throws CofferError BAD_REQUEST, USER_DUPLICATE, DATABASE_NOT_IN_LIST
 */
export function guestUsers(
  bodies: readonly UserBody[],
  names: NameContext,
  known?: ReadonlySet<string>,
): GuestUser[] {
  const seen = new Set<string>()
  return bodies.map(({ name, password, host = '%', databases = [] }) => {
    checkUserName(name, names)
    checkPassword(password)
    checkHost(host, names)
    const key = JSON.stringify(usersHaveHosts(names.manager) ? [name, host] : [name])
    if (seen.has(key)) throw fault('USER_DUPLICATE')
    seen.add(key)
    for (const database of databases) {
      checkDatabaseName(database.name, names)
      if (known !== undefined && !known.has(database.name))
        throw fault('DATABASE_NOT_IN_LIST', { user: name, database: database.name })
    }
    return {
      _name: name,
      _host: host,
      _password: password,
      _databases: databases.map((database) => ({ _name: database.name })),
    }
  })
}
