import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { badFrame } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import type { EmbeddedAddress } from '../url.ts'
import { encodeFrame, frameReader } from './frames.ts'
import { type ClientFrame, type HubFrame, PROTOCOL_VERSION, readHubFrame } from './protocol.ts'
import { clientTls, preludeLine } from './psk.ts'

/** Milliseconds for dialling, handshake and welcome together. */
const OPEN_MS = 30_000

/** One connection to the hub, from its welcome until it breaks. */
export interface Link {
  /** @throws CofferError TRANSPORT_TOO_LARGE; the link stays usable */
  readonly send: (frame: ClientFrame) => void
  /** Sends what waits, then closes. */
  readonly end: () => void
}

export interface LinkEvents {
  readonly onOpen: (link: Link) => void
  readonly onFrame: (frame: HubFrame) => void
  /** Once, also when the link never opened. */
  readonly onClose: (reason: Error) => void
}

/**
 * Dials the hub once.
 * @param heartbeatMs silence after which a ping is sent; after two and a half times that the hub counts as dead
 * @returns breaks the link off
 */
export function dial(address: EmbeddedAddress, heartbeatMs: number, events: LinkEvents): () => void {
  const { host, port, identity, secret } = address
  const tcp = connectTcp({ host, port, noDelay: true })
  let tls: TLSSocket | undefined
  let limit: number = LIMITS.guestMessage
  let heard = performance.now()
  let spoke = heard
  let over = false
  let ticker: NodeJS.Timeout | undefined

  const timer = setTimeout(() => stop(new Error('the hub did not answer in time')), OPEN_MS)

  function stop(reason: Error): void {
    if (over) return
    over = true
    clearTimeout(timer)
    clearInterval(ticker)
    tls?.destroy()
    tcp.destroy()
    events.onClose(reason)
  }

  const link: Link = {
    send(frame) {
      const bytes = encodeFrame(frame, limit)
      if (over) return
      spoke = performance.now()
      tls?.write(bytes)
    },
    end() {
      clearInterval(ticker)
      tls?.end()
    },
  }

  function tick(): void {
    const now = performance.now()
    if (now - heard > heartbeatMs * 2.5) stop(new Error('the hub has fallen silent'))
    else if (now - heard >= heartbeatMs || now - spoke >= heartbeatMs) link.send({ type: 'ping' })
  }

  function onFrame(frame: HubFrame): void {
    if (frame.type === 'bye') stop(new Error(`${frame.code}: ${frame.message}`))
    else if (frame.type === 'welcome') {
      limit = frame.limit
      clearTimeout(timer)
      ticker = setInterval(tick, heartbeatMs / 4)
      events.onOpen(link)
    } else if (frame.type !== 'pong') events.onFrame(frame)
  }

  tcp.on('error', stop)
  tcp.once('close', () => stop(new Error('the hub closed the connection')))
  tcp.once('connect', () => {
    tcp.write(preludeLine(identity))
    tls = connectTls({ ...clientTls(identity, secret), socket: tcp })
    tls.on('error', stop)
    tls.once('close', () => stop(new Error('the hub closed the connection')))
    tls.once('secureConnect', () => link.send({ type: 'hello', version: PROTOCOL_VERSION }))
    const read = frameReader(
      () => LIMITS.controlMessage * 2,
      (value) => {
        if (!over) onFrame(readHubFrame(value))
      },
    )
    tls.on('data', (chunk: Buffer) => {
      heard = performance.now()
      try {
        read(chunk)
      } catch (error) {
        stop(error instanceof Error ? error : badFrame('it cannot be read'))
      }
    })
  })
  return () => stop(new Error('the connection was given up'))
}
