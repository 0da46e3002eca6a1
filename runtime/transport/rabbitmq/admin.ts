import { CofferError } from '../../../lib/errors.ts'
import type { AdminOptions } from '../index.ts'
import { LIMITS } from '../limits.ts'
import { guestOfQueue, instanceIdName } from '../names.ts'
import type { QueueName, TransportAdmin } from '../types.ts'
import { apiPath, management, passwordMatches } from './management.ts'
import { guestOfUser, guestPermissions, guestUser, outExchange, queueArguments } from './topology.ts'
import { formatAmqpUrl, parseAmqpUrl } from './url.ts'

const CONDUCTOR: QueueName = 'trove-conductor'
/** Channels of one guest: one to publish, one for each subscription. */
const GUEST_CHANNELS = 16

/**
 * Guests' users, queues, exchanges and rights, by the management API. All of it is in RabbitMQ: nothing is kept here.
 *
 * @throws CofferError TRANSPORT_URL_INVALID when `transportAdminUrl` is missing or wrong
 */
export async function rabbitAdmin(
  options: AdminOptions,
): Promise<TransportAdmin & { readonly close: () => Promise<void> }> {
  const address = parseAmqpUrl(options.transportUrl)
  if (options.transportAdminUrl === undefined) {
    throw new CofferError(
      'TRANSPORT_URL_INVALID',
      "RabbitMQ's management API is needed, and its URL is not set.",
      {
        hint: 'Set transport_admin_url to http(s)://user:password@host:15672; the user needs the tag administrator.',
      },
    )
  }
  const api = management(options.transportAdminUrl)
  const { vhost } = address

  async function putUser(instanceId: string, secret: string): Promise<void> {
    const user = apiPath('users', guestUser(instanceId))
    const known = (await api.get(user)) as { password_hash?: string } | undefined
    if (known !== undefined) {
      if (passwordMatches(known.password_hash ?? '', secret)) return
      // Deleting a user ends its connections; a mere change of password does not.
      await api.remove(user)
    }
    await api.put(user, { password: secret, tags: '' })
  }

  return {
    async createGuest(instanceId, secret) {
      const id = instanceIdName(instanceId)
      const queue: QueueName = `guestagent.${id}`
      for (const name of [CONDUCTOR, queue]) {
        await api.put(apiPath('queues', vhost, name), { durable: true, arguments: queueArguments(name) })
      }
      await api.put(apiPath('exchanges', vhost, outExchange(id)), { type: 'direct', durable: true })
      await api.post(apiPath('bindings', vhost, 'e', outExchange(id), 'q', CONDUCTOR), {
        routing_key: CONDUCTOR,
      })
      await putUser(id, secret)
      const limits = { 'max-connections': LIMITS.guestConnections, 'max-channels': GUEST_CHANNELS }
      for (const [name, value] of Object.entries(limits)) {
        await api.put(apiPath('user-limits', guestUser(id), name), { value })
      }
      await api.put(apiPath('permissions', vhost, guestUser(id)), guestPermissions(id))
    },
    async deleteGuest(instanceId) {
      const id = instanceIdName(instanceId)
      await api.remove(apiPath('users', guestUser(id)))
      await api.remove(apiPath('exchanges', vhost, outExchange(id)))
      await api.remove(apiPath('queues', vhost, `guestagent.${id}`))
    },
    async listGuests() {
      const users = namesOf(await api.get(`${apiPath('users')}?columns=name`))
      const queues = namesOf(await api.get(`${apiPath('queues', vhost)}?columns=name`))
      const ids = [...users.map(guestOfUser), ...queues.map(guestOfQueue)]
      return [...new Set(ids.filter((id) => id !== undefined))].sort()
    },
    guestUrl(instanceId, secret) {
      const user = guestUser(instanceIdName(instanceId))
      const caFile = options.guestCaFile
      return formatAmqpUrl({ ...address, ...options.guestAddress, user, password: secret, caFile })
    },
    close: async () => undefined,
  }
}

function namesOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map((item: { name?: unknown }) => String(item.name)) : []
}
