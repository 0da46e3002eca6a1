import { instanceIdName } from '../names.ts'
import type { TransportAdmin } from '../types.ts'
import { type EmbeddedAddress, transportUrl } from '../url.ts'
import { type ClientOptions, connectEmbedded } from './client.ts'

/**
 * Administration of a hub in another process, over a connection of its own.
 * @param address of a control process
 */
export function embeddedAdmin(
  address: EmbeddedAddress,
  options: ClientOptions & { readonly guestAddress?: { readonly host: string; readonly port: number } },
): TransportAdmin & { readonly close: () => Promise<void> } {
  const connection = connectEmbedded(address, options)
  return {
    async createGuest(instanceId, secret) {
      await connection.administer({ type: 'createGuest', instanceId: instanceIdName(instanceId), secret })
    },
    async deleteGuest(instanceId) {
      await connection.administer({ type: 'deleteGuest', instanceId: instanceIdName(instanceId) })
    },
    listGuests: () => connection.administer({ type: 'listGuests' }),
    guestUrl: (instanceId, secret) =>
      transportUrl({
        host: address.host,
        port: address.port,
        ...options.guestAddress,
        identity: `guest:${instanceIdName(instanceId)}`,
        secret,
      }),
    close: () => connection.close(),
  }
}
