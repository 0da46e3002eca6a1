import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock as clock } from '../../lib/clock.ts'
import { SERVICE_STATUSES } from '../../runtime/model/service-status.ts'
import { rpcClient } from '../../runtime/rpc/index.ts'
import type { RpcClient } from '../../runtime/rpc/types.ts'
import { connectTransport } from '../../runtime/transport/index.ts'
import { transportUrl } from '../../runtime/transport/url.ts'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

/** The instance id of the guest of a number. */
export const guestId = (guest: number): string => {
  const hex = digest(`guest ${guest}`)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

/** The credential of a guest. */
export const guestSecret = (instanceId: string): string => digest(`secret of ${instanceId}`)

/** Handshakes at a time. */
const CONNECTING = 50

/** Connects all guests, waits for the word, and has each send a heartbeat at every interval, evenly spread. */
export async function benchGuests(
  port: number,
  load: { readonly guests: number; readonly intervalMs: number; readonly seconds: number },
): Promise<void> {
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`)
  const began = performance.now()
  const clients: RpcClient[] = []
  let next = 0
  const connectSome = async () => {
    for (let guest = next++; guest < load.guests; guest = next++)
      clients[guest] = await connectGuest(port, guest)
  }
  await Promise.all(Array.from({ length: CONNECTING }, connectSome))
  say({ connectSeconds: (performance.now() - began) / 1000 })
  await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()

  let sent = 0
  let slowestMs = 0
  const rounds = Math.max(1, Math.round((load.seconds * 1000) / load.intervalMs))
  await Promise.all(
    clients.map(async (client, guest) => {
      const start = performance.now() + (guest / load.guests) * load.intervalMs
      for (let round = 1; round <= rounds; round++) {
        await sleep(Math.max(0, start + (round - 1) * load.intervalMs - performance.now()))
        const before = performance.now()
        await client.cast('trove-conductor', 'heartbeat', {
          instance_id: guestId(guest),
          payload: {
            service_status: SERVICE_STATUSES.RUNNING.description,
            // The number of this heartbeat: what the database holds at the end tells whether the last one came through.
            volume_used: round,
            volume_total: 1000,
            agent_version: '1.0',
          },
        })
        slowestMs = Math.max(slowestMs, performance.now() - before)
        sent++
      }
    }),
  )
  say({ sent, slowestMs })
}

async function connectGuest(port: number, guest: number): Promise<RpcClient> {
  const id = guestId(guest)
  const url = transportUrl({ identity: `guest:${id}`, secret: guestSecret(id), host: '127.0.0.1', port })
  return rpcClient(await connectTransport(url, { clock, waitMs: 60_000 }), { name: id, clock })
}
