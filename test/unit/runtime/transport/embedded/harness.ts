import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { systemClock } from '../../../../../lib/clock.ts'
import type { StoredMessage } from '../../../../../runtime/db/types.ts'
import { encodeFrame, frameReader } from '../../../../../runtime/transport/embedded/frames.ts'
import {
  type HubOptions,
  type MessageStore,
  startHub,
} from '../../../../../runtime/transport/embedded/index.ts'
import { clientTls, preludeLine } from '../../../../../runtime/transport/embedded/psk.ts'
import { silentLog } from '../../../../../runtime/transport/log.ts'
import type { Delivery, Envelope } from '../../../../../runtime/transport/types.ts'

/** A store in memory, with what it holds laid open. */
export function memoryStore(): MessageStore & { readonly rows: Map<string, StoredMessage> } {
  const rows = new Map<string, StoredMessage>()
  return {
    rows,
    async put(message) {
      if (!rows.has(message.id)) rows.set(message.id, message)
    },
    async remove(ids) {
      for (const id of ids) rows.delete(id)
    },
    async removeQueue(queue) {
      for (const row of [...rows.values()]) if (row.queue === queue) rows.delete(row.id)
    },
    all: async () => [...rows.values()],
  }
}

/** Turns texts around, so that a test can see whether something was sealed. */
export const mirrorSealer = {
  seal: (text: string) => [...text].reverse().join(''),
  open: (sealed: string) => [...sealed].reverse().join(''),
}

/** A hub on a free port of the loopback interface, that knows nobody. */
export const testHub = (options: Partial<HubOptions> = {}) =>
  startHub({
    host: '127.0.0.1',
    port: 0,
    store: memoryStore(),
    secretOf: () => undefined,
    sealer: mirrorSealer,
    clock: systemClock,
    log: silentLog,
    ...options,
  })

let count = 0
export const message = (extra: Partial<Envelope> = {}): Envelope => ({
  id: `message-${++count}`,
  body: '{}',
  persistent: true,
  ...extra,
})

/** Acknowledges and keeps the ids. */
export const keepIds = (ids: string[]) => (delivery: Delivery) => {
  ids.push(delivery.envelope.id)
  delivery.ack()
}

/** A peer that speaks the protocol by hand, and so can break its rules. */
export interface RawPeer {
  readonly send: (frame: object) => void
  readonly write: (bytes: Buffer) => void
  readonly frames: readonly Record<string, unknown>[]
  readonly ended: () => boolean
  readonly sessionTicket: () => Buffer | undefined
  readonly destroy: () => void
}

export async function rawPeer(
  port: number,
  identity: string,
  secret: string,
  tls: ConnectionOptions = {},
): Promise<RawPeer> {
  const frames: Record<string, unknown>[] = []
  let over = false
  let ticket: Buffer | undefined
  const tcp = connectTcp({ host: '127.0.0.1', port })
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    tcp.once('error', reject)
    tcp.once('close', () => reject(new Error('closed')))
    tcp.once('connect', () => {
      tcp.write(preludeLine(identity))
      const secure = connectTls({ ...clientTls(identity, secret), ...tls, socket: tcp }, () =>
        resolve(secure),
      )
      secure.on('session', (session) => {
        ticket = session
      })
      secure.once('error', reject)
    })
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    over = true
  })
  socket.on(
    'data',
    frameReader(
      () => 1e9,
      (frame) => frames.push(frame as Record<string, unknown>),
    ),
  )
  return {
    send: (frame) => void socket.write(encodeFrame(frame, 1e9)),
    write: (bytes) => void socket.write(bytes),
    frames,
    ended: () => over,
    sessionTicket: () => ticket,
    destroy: () => void socket.destroy(),
  }
}
