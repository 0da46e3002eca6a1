import type { Clock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { listenError } from '../../lib/listen-error.ts'
import type { Sealer } from '../../lib/seal.ts'
import type { Database } from '../db/types.ts'
import type { Settings } from '../settings/types.ts'
import type { EventLog } from '../transport/log.ts'
import type { Connection, TransportAdmin } from '../transport/types.ts'

/** How the services of one process send messages. */
export interface Messages {
  /** A connection for a service of this process. */
  readonly connect: (service: string) => Promise<Connection>
  readonly admin: () => Promise<TransportAdmin>
  /** Host and port of the hub, when this process holds it. */
  readonly hub: string | undefined
  readonly close: () => Promise<void>
}

interface MessagesDeps {
  readonly settings: Settings
  readonly db: Database
  readonly key: Buffer
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: EventLog
}

/** How long a service waits for the hub of another process at its start, in milliseconds. */
const WAIT_MS = 60_000

/** True when the hub is ours, and not RabbitMQ. */
export const isEmbedded = ({ transportUrl }: Pick<Settings, 'transportUrl'>): boolean =>
  transportUrl.startsWith('embedded:')

/** The process that holds the hub. */
export async function hubMessages(deps: MessagesDeps): Promise<Messages> {
  const { settings, db, key, sealer, clock, log } = deps
  const { startHub, controlSecret } = await import('../transport/embedded/index.ts')
  const here = hubAddress(settings)
  const guests = await hubForGuests(settings)
  const { host } = here
  // On a bridge of guests the hub answers at the bridge's address too; our own processes go on using the first.
  const bridged = settings.qemu.network === 'bridge' && guests !== undefined ? [guests.host] : []
  const hub = await startHub({
    host,
    moreHosts: bridged,
    port: here.port,
    store: db.messages,
    async secretOf(identity) {
      const [kind, name = ''] = identity.split(/:(.*)/s)
      if (kind === 'control') return controlSecret(key, name)
      if (kind !== 'guest') return undefined
      const sealed = (await db.instances.get(name))?.encrypted_key
      return sealed === null || sealed === undefined ? undefined : sealer.open(sealed)
    },
    sealer,
    clock,
    log,
    ...(guests === undefined ? {} : { guestAddress: guests }),
  }).catch((error: unknown) => {
    throw listenError(error, 'The message hub', { host, port: here.port }, 'transport_url')
  })
  return {
    connect: async (name) => hub.connection({ kind: 'control', name }),
    admin: async () => hub.admin,
    hub: `${host}:${hub.port}`,
    close: () => hub.close(),
  }
}

/** A process that dials a hub elsewhere, or RabbitMQ. */
export async function remoteMessages(deps: MessagesDeps): Promise<Messages> {
  const { settings, key, clock, log } = deps
  const { connectTransport, transportAdmin } = await import('../transport/index.ts')
  const embedded = isEmbedded(settings)
  // RabbitMQ as well: the network of QEMU's guests leads to it by the same way.
  const guests = await hubForGuests(settings)
  const urlFor = async (name: string): Promise<string> => {
    if (!embedded) return settings.transportUrl
    const { controlSecret } = await import('../transport/embedded/index.ts')
    const { transportUrl } = await import('../transport/url.ts')
    const { host, port } = hubAddress(settings)
    return transportUrl({ identity: `control:${name}`, secret: controlSecret(key, name), host, port })
  }
  const open: { readonly close: () => Promise<void> }[] = []
  return {
    async connect(name) {
      const url = await urlFor(name)
      const connection = await connectTransport(url, { clock, log, name, waitMs: WAIT_MS })
      open.push(connection)
      return connection
    },
    async admin() {
      const admin = await transportAdmin({
        transportUrl: await urlFor('admin'),
        ...(settings.transportAdminUrl === undefined
          ? {}
          : { transportAdminUrl: settings.transportAdminUrl }),
        ...(guests === undefined ? {} : { guestAddress: guests }),
        clock,
        log,
      })
      open.push(admin)
      return admin
    },
    hub: undefined,
    async close() {
      await Promise.allSettled(open.map((each) => each.close()))
    },
  }
}

/**
 * Host and port of `embedded://host:port`, as this machine reaches them.
 *
 * @throws CofferError TRANSPORT_URL_INVALID
 */
export function hubAddress({ transportUrl }: Pick<Settings, 'transportUrl'>): { host: string; port: number } {
  if (!URL.canParse(transportUrl)) {
    throw new CofferError(
      'TRANSPORT_URL_INVALID',
      `${transportUrl} does not say where the message hub listens`,
      {
        hint: 'Write embedded://127.0.0.1:5671 for the option transport_url.',
      },
    )
  }
  const { hostname, port } = new URL(transportUrl)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host: host === '' ? '127.0.0.1' : host, port: port === '' ? 5671 : Number(port) }
}

/** Where guests find the hub, when that is another address than ours: QEMU's networks have one of their own. */
async function hubForGuests(settings: Settings): Promise<{ host: string; port: number } | undefined> {
  if (settings.computeDriver !== 'qemu') return undefined
  return (await import('../compute/qemu/index.ts')).hubForGuests(settings)
}
