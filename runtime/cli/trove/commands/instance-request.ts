import { CofferError } from '../../../../lib/errors.ts'
import type { Arguments } from '../arguments/types.ts'
import { BACKUP, CONFIGURATION, FLAVOR, findId, INSTANCE } from '../service/find.ts'
import type { Service } from '../service/types.ts'
import { present } from './instance-view.ts'
import type { Json, JsonObject } from './types.ts'
import { wholeNumber } from './words.ts'

/**
 * The body of a create from what was typed, names turned into ids (contract §1.3).
 *
 * @throws CofferError `NIC_INVALID`, `USER_INVALID`, `VALUE_INVALID`, and those of {@link findId}
 */
export async function createRequest(service: Service, args: Arguments): Promise<JsonObject> {
  // What can be judged here is judged before anything is asked.
  const nics = args.many('nic').map(nicOf)
  const databases = args.many('databases').map((name) => ({ name }))
  const users = args.many('users').map((user) => userOf(user, databases))
  const size = args.maybe('size')
  const type = args.maybe('volume_type')
  const volume = size === undefined ? undefined : present({ size: wholeNumber('--size', size), type })
  const count = args.maybe('replica_count')
  const id = async (noun: typeof INSTANCE, given: string | undefined) =>
    given === undefined ? undefined : await findId(service, noun, given)

  const flavor = await findId(service, FLAVOR, args.one('flavor'))
  const backup = await id(BACKUP, args.maybe('backup'))
  const datastore = present({ type: args.maybe('datastore'), version: args.maybe('datastore_version') })
  return {
    instance: present({
      name: args.one('name'),
      flavorRef: /^\d{1,15}$/.test(flavor) ? Number(flavor) : flavor,
      volume,
      databases: some(databases),
      users: some(users),
      restorePoint: backup === undefined ? undefined : { backupRef: backup },
      availability_zone: args.maybe('availability_zone'),
      datastore: Object.keys(datastore).length === 0 ? undefined : datastore,
      nics: some(nics),
      configuration: await id(CONFIGURATION, args.maybe('configuration')),
      replica_of: await id(INSTANCE, args.maybe('replica_of')),
      replica_count: count === undefined ? undefined : wholeNumber('--replica_count', count),
      locality: args.maybe('locality'),
    }),
  }
}

/**
 * A user from `name:password`, divided at the first colon; the user may use all databases of the request.
 *
 * @throws CofferError `USER_INVALID`; the message does not repeat what may be a password
 */
export function userOf(typed: string, databases: readonly JsonObject[]): JsonObject {
  const colon = typed.indexOf(':')
  if (colon > 0) return { name: typed.slice(0, colon), password: typed.slice(colon + 1), databases }
  throw new CofferError('USER_INVALID', '--users: each user must be given as <user:password>', {
    hint: 'for example: --users app:S3cret',
  })
}

/**
 * A network card from `net-id=…,v4-fixed-ip=…` or `port-id=…`.
 *
 * @throws CofferError `NIC_INVALID`
 */
export function nicOf(typed: string): JsonObject {
  const pairs = typed.split(',').map((pair): [string, string] => {
    const equals = pair.indexOf('=')
    return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
  })
  const nic = Object.fromEntries(pairs)
  const known = pairs.every(([name, value]) => KNOWN.has(name) && value !== '')
  const one = ('net-id' in nic || 'network_id' in nic) !== 'port-id' in nic
  if (known && one) return nic
  throw new CofferError(
    'NIC_INVALID',
    `Invalid NIC argument: nic='${typed}'. Must specify either net-id or port-id but not both. Please refer to help.`,
    { hint: 'for example: --nic net-id=<network>,v4-fixed-ip=<address>' },
  )
}

const KNOWN = new Set(['net-id', 'port-id', 'v4-fixed-ip', 'network_id', 'subnet_id', 'ip_address'])

function some(list: readonly JsonObject[]): Json | undefined {
  return list.length === 0 ? undefined : list
}
