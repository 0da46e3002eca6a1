import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../../lib/clock.ts'
import { LIMITS } from '../limits.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { identityOf, instanceIdName, principalOf } from '../names.ts'
import type { Connection, Principal, QueueName, TransportAdmin } from '../types.ts'
import { transportUrl } from '../url.ts'
import { createBroker } from './broker.ts'
import { createCredentials, type SecretOf } from './credentials.ts'
import { createJournal } from './journal.ts'
import { listen } from './listener.ts'
import { localConnection } from './local.ts'
import { pskOf } from './psk.ts'
import { type Session, startSession } from './session.ts'
import type { MessageStore, Sealer } from './store.ts'

/** Milliseconds without a sign of life after which a peer counts as dead; clients give one every 10 s. */
const DEAD_AFTER_MS = 25_000
/** Milliseconds between two looks for dead peers and expired messages. */
const SWEEP_MS = 5000

export interface HubOptions {
  readonly host: string
  /** Further addresses to listen on, same port: that of the guests' bridge, say. They must exist. */
  readonly moreHosts?: readonly string[]
  /** 0 takes a free port. */
  readonly port: number
  readonly store: MessageStore
  /**
   * Secret of `guest:<instance id>` or `control:<name>`, asked at each handshake and before a guest's queue is opened.
   * `admin.createGuest` and `deleteGuest` go before it while the hub lives.
   */
  readonly secretOf: SecretOf
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: EventLog
  /** Where guests reach the hub, when not at `host` and `port`: for example 10.0.2.100:5671 through QEMU's own network. */
  readonly guestAddress?: { readonly host: string; readonly port: number }
  /** Default 25,000; tests shorten it. */
  readonly deadAfterMs?: number
}

export interface Hub {
  readonly port: number
  /** A connection for a service of this process. */
  readonly connection: (principal: Principal) => Connection
  readonly admin: TransportAdmin
  /** Connections over sockets now. */
  readonly sessions: () => number
  /** Messages in a queue: waiting, or not acknowledged yet. */
  readonly waiting: (queue: QueueName) => number
  /** Ends all connections; what is to be kept is in the store when this resolves. */
  readonly close: () => Promise<void>
}

/**
 * Starts the embedded message broker: queues in memory, persistent messages in the store, one TCP port with TLS.
 *
 * @throws Error of the operating system when the port cannot be opened; of the store when it cannot be read
 */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { clock, log, deadAfterMs = DEAD_AFTER_MS } = options
  const credentials = createCredentials(options.secretOf)
  const journal = createJournal(options.store, options.sealer, (error, what) =>
    log.error({ what, reason: reasonOf(error) }, 'The store of messages failed'),
  )
  const broker = createBroker({
    journal,
    guestExists: async (instanceId) => (await credentials.keyOf(`guest:${instanceId}`)) !== undefined,
    clock,
    log,
  })
  const sessions = new Map<string, Set<Session>>()
  const locals = new Set<{ identity: string; connection: Connection }>()
  let count = 0
  await broker.load()

  function forget(session: Session): void {
    const own = sessions.get(session.identity)
    if (own?.delete(session) === true) count--
    if (own?.size === 0) sessions.delete(session.identity)
  }

  /** Ends the connections of an identity whose secret is no longer valid. */
  function endAll(identity: string, valid?: Buffer): void {
    for (const session of [...(sessions.get(identity) ?? [])]) {
      if (valid?.equals(session.key) !== true) session.end('TRANSPORT_REFUSED', 'The credential was removed.')
    }
  }

  const admin: TransportAdmin = {
    async createGuest(instanceId, secret) {
      const identity = `guest:${instanceIdName(instanceId)}`
      credentials.set(identity, secret)
      broker.openGuest(instanceId)
      endAll(identity, pskOf(secret))
    },
    async deleteGuest(instanceId) {
      const identity = `guest:${instanceIdName(instanceId)}`
      credentials.remove(identity)
      endAll(identity)
      for (const local of [...locals]) if (local.identity === identity) await local.connection.close()
      await broker.removeGuest(instanceId)
    },
    async listGuests() {
      const named = credentials.known().filter((identity) => identity.startsWith('guest:'))
      return [...new Set([...broker.guests(), ...named.map((identity) => identity.slice(6))])].sort()
    },
    guestUrl(instanceId, secret) {
      const { host, port } = options.guestAddress ?? { host: options.host, port: listener.port }
      return transportUrl({ identity: `guest:${instanceId}`, secret, host, port })
    },
  }

  function onPeer(socket: TLSSocket, identity: string, key: Buffer): void {
    const principal = principalOf(identity)
    if (principal === undefined) {
      socket.destroy()
      return
    }
    const port = broker.port(principal)
    const session = startSession({ socket, key, port, admin, clock, log, onClose: forget })
    const own = sessions.get(identity) ?? new Set<Session>()
    sessions.set(identity, own)
    own.add(session)
    count++
    const [oldest] = own
    if (principal.kind === 'guest' && own.size > LIMITS.guestConnections) {
      oldest?.end('TRANSPORT_REFUSED', 'The guest has too many connections.')
    }
    // The secret may have changed between the handshake's look-up and its end.
    credentials.keyOf(identity).then(
      (now) => {
        if (now?.equals(key) !== true) session.end('TRANSPORT_REFUSED', 'The credential was removed.')
      },
      () => session.destroy(),
    )
  }

  const common = { keyOf: credentials.keyOf, onPeer, log }
  const listener = await listen({ ...common, host: options.host, port: options.port })
  const listeners = [listener]
  try {
    for (const host of options.moreHosts ?? []) {
      listeners.push(await listen({ ...common, host, port: listener.port }))
    }
  } catch (error) {
    await Promise.all(listeners.map(({ close }) => close()))
    throw error
  }

  const sweeper = setInterval(
    () => {
      const before = performance.now() - deadAfterMs
      for (const own of sessions.values()) {
        for (const session of own) if (session.lastHeard() < before) session.destroy()
      }
      broker.sweep()
    },
    Math.min(SWEEP_MS, deadAfterMs / 5),
  )
  sweeper.unref()

  return {
    port: listener.port,
    connection(principal) {
      const local = {
        identity: identityOf(principal),
        connection: localConnection(broker, principal, { clock, log, onClose: () => locals.delete(local) }),
      }
      locals.add(local)
      return local.connection
    },
    admin,
    sessions: () => count,
    waiting: broker.waiting,
    async close() {
      clearInterval(sweeper)
      const stopped = Promise.all(listeners.map((each) => each.close()))
      for (const local of [...locals]) await local.connection.close()
      for (const own of [...sessions.values()]) {
        for (const session of [...own]) session.destroy()
      }
      await stopped
      await journal.flush()
    },
  }
}
