import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { run } from '../../../lib/exec.ts'
import { rpcClient, rpcServer } from '../../../runtime/rpc/index.ts'
import { connectTransport } from '../../../runtime/transport/index.ts'
import { silentLog } from '../../../runtime/transport/log.ts'
import {
  type Connection,
  type Delivery,
  type Envelope,
  guestQueue,
  type QueueName,
  type TransportAdmin,
} from '../../../runtime/transport/types.ts'

/** One member of the family, running for real. */
export interface TransportUnderTest {
  readonly admin: TransportAdmin
  /** URL of a control process. */
  readonly controlUrl: string
  /** URL of guest A that names B and gives A's secret. */
  readonly impostorUrl: (claimed: string, secret: string) => string
  /** SIGKILL. */
  readonly kill: () => Promise<void>
  /** Starts again on what the killed one left. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** What every transport must keep (runtime/transport/types.ts). */
export function transportContract(
  member: string,
  start: () => Promise<TransportUnderTest>,
  times: { readonly refusalMs: number },
): void {
  describe(`the ${member} transport`, () => {
    let broker: TransportUnderTest
    let control: Connection
    let guestId: string
    let secret: string
    let open: Connection[] = []

    const connect = async (url: string): Promise<Connection> => {
      const connection = await connectTransport(url, { waitMs: 60_000, name: 'test' })
      open.push(connection)
      return connection
    }
    const newGuest = async () => {
      const id = randomUUID()
      const key = randomUUID()
      await broker.admin.createGuest(id, key)
      return { id, secret: key, url: broker.admin.guestUrl(id, key) }
    }
    const guest = () => connect(broker.admin.guestUrl(guestId, secret))

    beforeAll(async () => {
      broker = await start()
    })
    afterAll(async () => {
      await broker.stop()
    })
    beforeEach(async () => {
      open = []
      control = await connect(broker.controlUrl)
      const created = await newGuest()
      guestId = created.id
      secret = created.secret
    })
    afterEach(async () => {
      for (const connection of open) await connection.close()
      await broker.admin.deleteGuest(guestId)
    })

    test('a message waits for a guest that has not connected yet, and arrives unchanged with its sender', async () => {
      const sent = message({ body: '{"text":"a \\"quoted\\" ünïcode 🐬\\n line"}' })
      await control.publish(guestQueue(guestId), sent)

      const inbox = await listen(await guest(), guestQueue(guestId))
      const delivery = await inbox.next()

      expect(delivery.envelope).toEqual(sent)
      expect(delivery.sender.kind).toBe('control')
      expect(delivery.redelivered).toBe(false)
    })

    test("a guest's message carries the guest that the broker authenticated, whatever its body claims", async () => {
      const inbox = await listen(control, 'trove-conductor')
      const sent = message({ body: JSON.stringify({ instance_id: 'somebody-else' }) })
      await (await guest()).publish('trove-conductor', sent)

      const delivery = await inbox.until(sent.id)

      expect(delivery.sender).toEqual({ kind: 'guest', instanceId: guestId })
    })

    test('messages of one sender arrive in the order of publishing, kept ones and others mixed', async () => {
      const inbox = await listen(await guest(), guestQueue(guestId))
      const sent = Array.from({ length: 100 }, (_, n) => message({ persistent: n % 3 === 0 }))

      await Promise.all(sent.map((envelope) => control.publish(guestQueue(guestId), envelope)))

      expect(await inbox.ids(100)).toEqual(sent.map(({ id }) => id))
    })

    test('no more messages are out at a time than the reader asked for', async () => {
      const held: Delivery[] = []
      await (await guest()).subscribe(guestQueue(guestId), { prefetch: 3 }, (delivery) => held.push(delivery))
      for (let n = 0; n < 6; n++) await control.publish(guestQueue(guestId), message())

      await expect.poll(() => held.length).toBe(3)
      await systemClock.sleep(100)
      expect(held).toHaveLength(3)
      held[0]?.ack()
      await expect.poll(() => held.length).toBe(4)
    })

    test('a message given back comes again, marked, before later ones', async () => {
      const seen: string[] = []
      const first = message()
      const second = message()
      await control.publish(guestQueue(guestId), first)
      await control.publish(guestQueue(guestId), second)

      await (await guest()).subscribe(guestQueue(guestId), { prefetch: 1 }, (delivery) => {
        seen.push(`${delivery.envelope.id} ${delivery.redelivered}`)
        if (delivery.redelivered || delivery.envelope.id === second.id) delivery.ack()
        else delivery.requeue()
      })

      await expect.poll(() => seen.length).toBe(3)
      expect(seen).toEqual([`${first.id} false`, `${first.id} true`, `${second.id} false`])
    })

    test('what a cancelled subscription had not acknowledged goes to the next', async () => {
      const connection = await guest()
      const held: string[] = []
      const subscription = await connection.subscribe(guestQueue(guestId), { prefetch: 5 }, ({ envelope }) =>
        held.push(envelope.id),
      )
      const sent = [message(), message()]
      for (const envelope of sent) await control.publish(guestQueue(guestId), envelope)
      await expect.poll(() => held.length).toBe(2)

      await subscription.cancel()
      await control.publish(guestQueue(guestId), message())
      await systemClock.sleep(100)
      expect(held).toHaveLength(2)

      const inbox = await listen(connection, guestQueue(guestId))
      expect((await inbox.ids(3)).slice(0, 2)).toEqual(sent.map(({ id }) => id))
    })

    test('what a killed reader had not acknowledged goes to the next', async () => {
      const sent = message()
      await control.publish(guestQueue(guestId), sent)
      await holdAndDie(guestQueue(guestId), broker.admin.guestUrl(guestId, secret))

      const inbox = await listen(await guest(), guestQueue(guestId))
      const delivery = await inbox.next()

      expect(delivery.envelope.id).toBe(sent.id)
      expect(delivery.redelivered).toBe(true)
    })

    test('an expired message is dropped, and does not hold up the next', async () => {
      const lasting = message()
      await control.publish(guestQueue(guestId), message({ expiresAt: Date.now() + 150 }))
      await control.publish(guestQueue(guestId), lasting)
      await systemClock.sleep(250)

      const inbox = await listen(await guest(), guestQueue(guestId))

      expect((await inbox.next()).envelope.id).toBe(lasting.id)
    })

    test('a message to an instance that does not exist is an error at once', async () => {
      const attempt = control.publish(guestQueue(randomUUID()), message())
      await expect(attempt).rejects.toMatchObject({ code: 'TRANSPORT_NO_QUEUE' })
    })

    test('a call reaches the guest, and its answer the caller', async () => {
      const server = await rpcServer(
        await guest(),
        guestQueue(guestId),
        {
          version: '1.0',
          methods: {
            double: { lane: 'concurrent', run: async ({ n }) => Number(n) * 2 },
            fail: {
              lane: 'serial',
              run: async () => {
                throw new Error('the disk is full')
              },
            },
          },
        },
        { clock: systemClock, log: silentLog },
      )
      const client = rpcClient(control, { name: 'test', clock: systemClock })

      expect(await client.call(guestQueue(guestId), 'double', { n: 21 }, { timeoutMs: 10_000 })).toBe(42)
      await expect(client.call(guestQueue(guestId), 'fail', {}, { timeoutMs: 10_000 })).rejects.toMatchObject(
        {
          code: 'GUEST_ERROR',
          message: 'the disk is full',
        },
      )
      await client.close()
      await server.stop()
    })

    describe('a broker that is killed', () => {
      test('loses nothing that it confirmed, and brings nothing back that was acknowledged', async () => {
        const done = message()
        const kept = Array.from({ length: 20 }, () => message())
        const reader = await guest()
        const first = await listen(reader, guestQueue(guestId))
        await control.publish(guestQueue(guestId), done)
        await first.next()
        await first.cancel()
        for (const envelope of kept) await control.publish(guestQueue(guestId), envelope)
        await systemClock.sleep(200)

        await broker.kill()
        await expect.poll(() => control.connected(), { timeout: 10_000 }).toBe(false)
        await broker.restart()

        const inbox = await listen(reader, guestQueue(guestId))
        expect(await inbox.ids(20)).toEqual(kept.map(({ id }) => id))
        const late = message()
        await control.publish(guestQueue(guestId), late)
        expect((await inbox.next()).envelope.id).toBe(late.id)
      })

      test('finds its readers and writers again: they reconnect, and what was published meanwhile arrives', async () => {
        const inbox = await listen(await guest(), guestQueue(guestId))
        const before = message()
        await control.publish(guestQueue(guestId), before)
        await inbox.next()

        await broker.kill()
        await expect.poll(() => control.connected(), { timeout: 10_000 }).toBe(false)
        const meanwhile = [message(), message({ persistent: false }), message()]
        const published = meanwhile.map((envelope) => control.publish(guestQueue(guestId), envelope))
        const given = control.publish(guestQueue(guestId), message(), AbortSignal.timeout(50))
        await expect(given).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
        await broker.restart()

        await Promise.all(published)
        // What was acknowledged just before the kill may come once more.
        const missing = new Set(meanwhile.map(({ id }) => id))
        while (missing.size > 0) missing.delete((await inbox.next()).envelope.id)
      })
    })

    describe('a guest may not', () => {
      let a: Connection
      let b: Connection
      let other: { id: string; secret: string; url: string }

      beforeEach(async () => {
        other = await newGuest()
        a = await guest()
        b = await connect(other.url)
      })
      afterEach(async () => {
        await broker.admin.deleteGuest(other.id)
      })

      const mayNotRead = async (queue: string) => {
        const got: string[] = []
        const attempt = a.subscribe(queue as QueueName, { prefetch: 1 }, ({ envelope }) =>
          got.push(envelope.id),
        )
        await expect(attempt).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
      }
      const mayNotWrite = async (queue: string, extra: Partial<Envelope> = {}) => {
        const attempt = a.publish(queue as QueueName, message(extra))
        await expect(attempt).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
      }

      test("read another guest's queue", () => mayNotRead(guestQueue(other.id)))
      test('read the queue of the task manager', () => mayNotRead('taskmanager'))
      test('read the queue of the conductor', () => mayNotRead('trove-conductor'))
      test('read the answers of a control process', () => mayNotRead('reply.test'))
      test('read by wildcard', async () => {
        for (const pattern of ['*', '#', '>', 'guestagent.*', 'guestagent.#', 'guestagent.>', '']) {
          await mayNotRead(pattern)
        }
      })

      test('write to another guest', async () => {
        const inbox = await listen(b, guestQueue(other.id))
        await mayNotWrite(guestQueue(other.id))
        const honest = message()
        await control.publish(guestQueue(other.id), honest)
        expect((await inbox.next()).envelope.id).toBe(honest.id)
      })
      test('write to the task manager', () => mayNotWrite('taskmanager'))
      test('write to its own queue', () => mayNotWrite(guestQueue(guestId)))
      test('write by wildcard', async () => {
        for (const pattern of ['*', '#', 'guestagent.*', 'reply.*', '']) await mayNotWrite(pattern)
      })

      test('answer a call that another guest received', async () => {
        const answers = await listen(control, 'reply.spoof')
        const held = await listen(b, guestQueue(other.id))
        const call = message({ persistent: false, replyTo: 'reply.spoof' })
        await control.publish(guestQueue(other.id), call)
        await held.next()

        await mayNotWrite('reply.spoof', { correlationId: call.id, persistent: false })

        const honest = message({ correlationId: call.id, persistent: false })
        await b.publish('reply.spoof', honest)
        const delivery = await answers.next()
        expect(delivery.envelope.id).toBe(honest.id)
        expect(delivery.sender).toEqual({ kind: 'guest', instanceId: other.id })
      })

      test('answer a call twice, or answer what nobody asked', async () => {
        const answers = await listen(control, 'reply.twice')
        const own = await listen(a, guestQueue(guestId))
        const call = message({ persistent: false, replyTo: 'reply.twice' })
        await control.publish(guestQueue(guestId), call)
        await own.next()
        const first = message({ correlationId: call.id, persistent: false })
        await a.publish('reply.twice', first)

        // A broker whose rights know no single messages takes these, and the caller's side drops them.
        await Promise.allSettled([
          a.publish('reply.twice', message({ correlationId: call.id, persistent: false })),
          a.publish('reply.twice', message({ correlationId: randomUUID(), persistent: false })),
          a.publish('reply.twice', message({ persistent: false })),
        ])

        expect((await answers.next()).envelope.id).toBe(first.id)
        await systemClock.sleep(200)
        expect(answers.waiting()).toBe(0)
      })

      test('have a control process write an answer somewhere for it', async () => {
        const inbox = await listen(control, 'trove-conductor')
        await Promise.allSettled([
          a.publish('trove-conductor', message({ replyTo: guestQueue(other.id), persistent: false })),
          a.publish('trove-conductor', message({ replyTo: 'taskmanager', persistent: false })),
        ])
        const honest = message()
        await a.publish('trove-conductor', honest)
        expect((await inbox.next()).envelope.id).toBe(honest.id)
      })

      test('take the place of another with its own secret', async () => {
        const url = broker.impostorUrl(other.id, secret)
        await expect(connectTransport(url, { waitMs: times.refusalMs })).rejects.toMatchObject({
          code: 'TRANSPORT_UNAVAILABLE',
        })
      })

      test('flood the control plane with a message larger than a guest needs', async () => {
        const attempt = a.publish('trove-conductor', message({ body: 'x'.repeat(1024 * 1024 + 1) }))
        await expect(attempt).rejects.toMatchObject({ code: 'TRANSPORT_TOO_LARGE' })
      })
    })

    describe('the administrator', () => {
      test('creates the same guest twice without disturbing it', async () => {
        const connection = await guest()
        const inbox = await listen(connection, guestQueue(guestId))
        await broker.admin.createGuest(guestId, secret)
        const sent = message()
        await control.publish(guestQueue(guestId), sent)
        expect((await inbox.next()).envelope.id).toBe(sent.id)
        expect(connection.connected()).toBe(true)
      })

      test('replaces a secret: the old one ends its connections and opens no more', async () => {
        const connection = await guest()
        const waiting = message()
        await control.publish(guestQueue(guestId), waiting)
        await broker.admin.createGuest(guestId, 'a-new-secret')

        await expect.poll(() => connection.connected(), { timeout: 10_000 }).toBe(false)
        await expect(
          connectTransport(broker.admin.guestUrl(guestId, secret), { waitMs: times.refusalMs }),
        ).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' })
        const inbox = await listen(
          await connect(broker.admin.guestUrl(guestId, 'a-new-secret')),
          guestQueue(guestId),
        )
        expect((await inbox.next()).envelope.id).toBe(waiting.id)
      })

      test('deletes a guest: its connections end, it cannot come back, and its queue is gone', async () => {
        const connection = await guest()
        await control.publish(guestQueue(guestId), message())
        expect(await broker.admin.listGuests()).toContain(guestId)

        await broker.admin.deleteGuest(guestId)

        await expect.poll(() => connection.connected(), { timeout: 10_000 }).toBe(false)
        await expect(
          connectTransport(broker.admin.guestUrl(guestId, secret), { waitMs: times.refusalMs }),
        ).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' })
        await expect(control.publish(guestQueue(guestId), message())).rejects.toMatchObject({
          code: 'TRANSPORT_NO_QUEUE',
        })
        expect(await broker.admin.listGuests()).not.toContain(guestId)
        await broker.admin.deleteGuest(guestId)
      })

      test('refuses ids that could reach beyond their own names', async () => {
        for (const id of ['', '*', 'a/b', '../a', 'a b', 'a\n', 'a#', '.*']) {
          await expect(broker.admin.createGuest(id, 'secret')).rejects.toMatchObject({
            code: 'TRANSPORT_REFUSED',
          })
        }
      })
    })
  })
}

function message(extra: Partial<Envelope> = {}): Envelope {
  return { id: randomUUID(), body: '{}', persistent: true, ...extra }
}

interface Inbox {
  /** The next delivery, acknowledged. */
  readonly next: () => Promise<Delivery>
  readonly until: (id: string) => Promise<Delivery>
  readonly ids: (count: number) => Promise<readonly string[]>
  readonly waiting: () => number
  readonly cancel: () => Promise<void>
}

/** Reads a queue and acknowledges what it takes. */
async function listen(connection: Connection, queue: QueueName): Promise<Inbox> {
  const got: Delivery[] = []
  const wake = new Set<() => void>()
  const subscription = await connection.subscribe(queue, { prefetch: 100 }, (delivery) => {
    delivery.ack()
    got.push(delivery)
    for (const go of wake) go()
  })
  const next = async (): Promise<Delivery> => {
    for (;;) {
      const first = got.shift()
      if (first !== undefined) return first
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nothing came from ${queue} within 15 s`)), 15_000)
        const go = () => {
          clearTimeout(timer)
          wake.delete(go)
          resolve()
        }
        wake.add(go)
      })
    }
  }
  return {
    next,
    async until(id) {
      for (;;) {
        const delivery = await next()
        if (delivery.envelope.id === id) return delivery
      }
    },
    async ids(count) {
      const ids: string[] = []
      while (ids.length < count) ids.push((await next()).envelope.id)
      return ids
    },
    waiting: () => got.length,
    cancel: () => subscription.cancel(),
  }
}

/** A process takes a message from the queue and is killed before it acknowledges. */
async function holdAndDie(queue: QueueName, url: string): Promise<void> {
  const holder = new URL('../../fixtures/transport/holder.ts', import.meta.url).pathname
  const ended = run([process.execPath, holder, queue], {
    input: url,
    check: false,
    onLine(line, stream) {
      if (stream === 'stdout') process.kill((JSON.parse(line) as { pid: number }).pid, 'SIGKILL')
    },
  })
  expect((await ended).exitCode).toBe(137)
}
