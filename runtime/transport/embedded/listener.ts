import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { EventLog } from '../log.ts'
import { reasonOf } from '../log.ts'
import { hubTls, PRELUDE_LIMIT, readPrelude } from './psk.ts'

/** Milliseconds for the prelude and for the handshake; a guest on an emulated processor is slow. */
const HANDSHAKE_MS = 30_000
/** Sockets that have not proved who they are. For one more the oldest goes: who means well proves it in a moment. */
const STRANGERS = 4096

export interface Listener {
  readonly port: number
  /** Takes no new connection. Those that live are the sessions' affair. */
  readonly close: () => Promise<void>
}

/**
 * Accepts TCP connections and lets through those that prove the key of the identity they name.
 *
 * @param keyOf key of an identity now
 * @param onPeer an authenticated connection, with the key that it proved
 */
export async function listen(options: {
  readonly host: string
  readonly port: number
  readonly keyOf: (identity: string) => Promise<Buffer | undefined>
  readonly onPeer: (socket: TLSSocket, identity: string, key: Buffer) => void
  readonly log: EventLog
  /** Default 4096; tests shorten it. */
  readonly maxStrangers?: number
}): Promise<Listener> {
  const { keyOf, onPeer, log, maxStrangers = STRANGERS } = options
  /** Keys looked up for identities whose handshakes run, or whose connections live. */
  const offered = new Map<string, { key: Buffer; sockets: number }>()
  const proven = new WeakMap<object, { identity: string; key: Buffer }>()
  /** By address and port, which a socket and the TLS socket above it have in common. In order of arrival. */
  const strangers = new Map<string, Socket>()

  const tls = createTlsServer({
    ...hubTls((identity, socket) => {
      const key = offered.get(identity)?.key
      if (key === undefined) return null
      proven.set(socket, { identity, key })
      return key
    }),
    handshakeTimeout: HANDSHAKE_MS,
  })
  tls.on('secureConnection', (socket) => {
    strangers.delete(peerOf(socket))
    const proof = proven.get(socket)
    // A resumed session has proved a key of the past only.
    if (proof === undefined) socket.destroy()
    else onPeer(socket, proof.identity, proof.key)
  })
  tls.on('tlsClientError', (error, socket) => {
    log.info(
      { identity: proven.get(socket)?.identity, reason: error.message.trim() },
      'A handshake on the transport failed',
    )
    socket.destroy()
  })

  async function admit(socket: Socket, line: string, rest: Buffer): Promise<void> {
    const identity = readPrelude(line)
    if (identity === undefined) {
      socket.destroy()
      return
    }
    const key = await keyOf(identity)
    if (socket.destroyed) return
    if (key === undefined) {
      log.info({ identity }, 'An unknown identity was refused by the transport')
      socket.destroy()
      return
    }
    const offer = offered.get(identity) ?? { key, sockets: 0 }
    offer.key = key
    offer.sockets++
    offered.set(identity, offer)
    socket.once('close', () => {
      offer.sockets--
      if (offer.sockets === 0) offered.delete(identity)
    })
    if (rest.length > 0) socket.unshift(rest)
    tls.emit('connection', socket)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    const peer = peerOf(socket)
    const [oldest] = strangers.values()
    if (strangers.size >= maxStrangers) oldest?.destroy()
    strangers.set(peer, socket)
    // Until the first line is there; the handshake has a limit of its own.
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS)
    socket.once('close', () => {
      clearTimeout(timer)
      if (strangers.get(peer) === socket) strangers.delete(peer)
    })
    let have: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      have = have.length === 0 ? chunk : Buffer.concat([have, chunk])
      const end = have.indexOf(0x0a)
      if (end < 0 && have.length <= PRELUDE_LIMIT) return
      socket.off('data', onData)
      socket.pause()
      clearTimeout(timer)
      if (end < 0 || end > PRELUDE_LIMIT) {
        socket.destroy()
        return
      }
      admit(socket, have.toString('latin1', 0, end), have.subarray(end + 1)).catch((error: unknown) => {
        log.error({ reason: reasonOf(error) }, 'A secret could not be looked up')
        socket.destroy()
      })
    }
    socket.on('data', onData)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 4096 }, resolve)
  })
  server.on('error', (error) =>
    log.error({ reason: error.message }, 'The transport cannot accept connections'),
  )
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of strangers.values()) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
