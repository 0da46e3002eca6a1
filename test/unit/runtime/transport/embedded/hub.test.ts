import { getEventListeners } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEmbedded } from '../../../../../runtime/transport/embedded/client.ts'
import { controlSecret, type Hub } from '../../../../../runtime/transport/embedded/index.ts'
import { connectTransport, transportAdmin } from '../../../../../runtime/transport/index.ts'
import type { Connection } from '../../../../../runtime/transport/types.ts'
import { parseTransportUrl, transportUrl } from '../../../../../runtime/transport/url.ts'
import { keepIds, memoryStore, message, type RawPeer, rawPeer, testHub } from './harness.ts'

let hub: Hub
let control: Connection
const store = memoryStore()

beforeEach(async () => {
  store.rows.clear()
  const secret = controlSecret(Buffer.alloc(32, 1), 'other')
  hub = await testHub({
    store,
    secretOf: (identity) => (identity === 'control:other' ? secret : undefined),
    guestAddress: { host: '10.0.2.100', port: 5671 },
  })
  await hub.admin.createGuest('a', 'secret of a')
  await hub.admin.createGuest('b', 'secret of b')
  control = hub.connection({ kind: 'control', name: 'test' })
})
afterEach(async () => {
  await hub.close()
})

const urlOf = (id: string, port = hub.port) =>
  transportUrl({ identity: `guest:${id}`, secret: `secret of ${id}`, host: '127.0.0.1', port })

describe('a service in the process of the hub', () => {
  test('publishes and reads without a socket', async () => {
    const ids: string[] = []
    await control.subscribe('taskmanager', { prefetch: 1 }, keepIds(ids))
    const sent = [message(), message(), message({ persistent: false })]
    for (const envelope of sent) await control.publish('taskmanager', envelope)
    await expect.poll(() => ids).toEqual(sent.map(({ id }) => id))
    expect(hub.sessions()).toBe(0)
  })

  test('waits for a slow store no longer than its signal says', async () => {
    const slow = await testHub({ store: { ...memoryStore(), put: () => new Promise(() => undefined) } })
    const publishing = slow
      .connection({ kind: 'control', name: 'test' })
      .publish('taskmanager', message(), AbortSignal.timeout(20))
    await expect(publishing).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
  })

  test('leaves nothing behind on a signal that outlives its messages', async () => {
    const { signal } = new AbortController()
    for (let n = 0; n < 20; n++) await control.publish('taskmanager', message(), signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('has the rights of its principal, and no others', async () => {
    const guest = hub.connection({ kind: 'guest', instanceId: 'a' })
    await expect(guest.publish('taskmanager', message())).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
  })

  test('learns that the store failed: the message is nowhere then', async () => {
    const failing = await testHub({
      store: { ...memoryStore(), put: () => Promise.reject(new Error('disk full')) },
    })
    const connection = failing.connection({ kind: 'control', name: 'test' })
    await expect(connection.publish('taskmanager', message())).rejects.toThrow('disk full')
    expect(failing.waiting('taskmanager')).toBe(0)
    await failing.close()
  })
})

test('a hub that starts again brings back what was not acknowledged, sealed meanwhile', async () => {
  const sent = message({ body: '{"password":"hush"}' })
  await control.publish('guestagent.a', sent)
  expect(JSON.stringify([...store.rows.values()])).not.toContain('hush')

  const second = await testHub({ store })
  const bodies: string[] = []
  await second
    .connection({ kind: 'guest', instanceId: 'a' })
    .subscribe('guestagent.a', { prefetch: 1 }, ({ envelope }) => bodies.push(envelope.body))
  await expect.poll(() => bodies).toEqual(['{"password":"hush"}'])
  await second.close()
})

test('a hub answers on every address that it was given', async () => {
  const wide = await testHub({ moreHosts: ['127.0.0.9'] })
  await wide.admin.createGuest('a', 'secret of a')
  for (const host of ['127.0.0.1', '127.0.0.9']) {
    const url = transportUrl({ identity: 'guest:a', secret: 'secret of a', host, port: wide.port })
    const connection = await connectTransport(url, { waitMs: 2000 })
    await connection.publish('trove-conductor', message())
    await connection.close()
  }
  expect(wide.waiting('trove-conductor')).toBe(2)
  await wide.close()
})

test('guests are told the address that reaches the hub from where they are', () => {
  expect(hub.admin.guestUrl('a', '5ec4e7')).toBe('coffer://guest:a:5ec4e7@10.0.2.100:5671')
  expect(parseTransportUrl(hub.admin.guestUrl('a', '5ec4e7'))).toMatchObject({
    identity: 'guest:a',
    port: 5671,
  })
})

test('another control process administers guests over its own connection, a guest does not', async () => {
  const secret = controlSecret(Buffer.alloc(32, 1), 'other')
  const url = transportUrl({ identity: 'control:other', secret, host: '127.0.0.1', port: hub.port })
  const admin = await transportAdmin({ transportUrl: url, guestAddress: { host: '10.0.2.100', port: 5671 } })
  await admin.createGuest('c', 'secret of c')
  expect(await admin.listGuests()).toEqual(['a', 'b', 'c'])
  expect(admin.guestUrl('c', 'x')).toBe(hub.admin.guestUrl('c', 'x'))
  await admin.deleteGuest('c')
  expect(await admin.listGuests()).toEqual(['a', 'b'])
  await admin.close()

  const asGuest = await transportAdmin({ transportUrl: urlOf('a') })
  await expect(asGuest.deleteGuest('b')).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
  await asGuest.close()
})

test('a guest with more connections than an agent needs loses the oldest', async () => {
  const peers: RawPeer[] = []
  for (let n = 0; n < 5; n++) peers.push(await rawPeer(hub.port, 'guest:a', 'secret of a'))
  await expect.poll(() => peers.map((peer) => peer.ended())).toEqual([true, false, false, false, false])
  for (const peer of peers) peer.destroy()
})

describe('a peer that speaks the protocol by hand', () => {
  let peer: RawPeer
  beforeEach(async () => {
    peer = await rawPeer(hub.port, 'guest:a', 'secret of a')
  })
  afterEach(() => peer.destroy())

  const hello = () => peer.send({ type: 'hello', version: 1 })
  const answer = (n: number) => expect.poll(() => peer.frames.find((frame) => frame.n === n))
  const saysBye = (code: string) => expect.poll(() => peer.frames.at(-1)).toMatchObject({ type: 'bye', code })

  test('is refused by the hub, not only by our client', async () => {
    hello()
    const queues = ['guestagent.b', 'guestagent.*', 'taskmanager', 'trove-conductor', 'reply.x', '*', '#']
    queues.forEach((queue, n) => {
      peer.send({ type: 'subscribe', n, subscription: n, queue, prefetch: 1 })
      peer.send({
        type: 'publish',
        n: n + 100,
        queue,
        message: { id: `${n}`, body: '{}', persistent: false },
      })
    })
    for (const [n, queue] of queues.entries()) {
      await answer(n).toMatchObject({ code: 'TRANSPORT_REFUSED' })
      if (queue !== 'trove-conductor') await answer(n + 100).toMatchObject({ code: 'TRANSPORT_REFUSED' })
    }
    await answer(100 + queues.indexOf('trove-conductor')).toEqual({ type: 'done', n: 103 })
  })

  test('cannot name its sender, nor make calls that others would answer for it', async () => {
    hello()
    const forged = { id: 'f', body: '{}', persistent: false, sender: { kind: 'control', name: 'api' } }
    peer.send({ type: 'publish', n: 1, queue: 'trove-conductor', sender: forged.sender, message: forged })
    await answer(1).toMatchObject({ type: 'done' })
    peer.send({
      type: 'publish',
      n: 2,
      queue: 'trove-conductor',
      message: { ...forged, replyTo: 'guestagent.b' },
    })
    await answer(2).toMatchObject({ code: 'TRANSPORT_REFUSED' })
    const senders: unknown[] = []
    await control.subscribe('trove-conductor', { prefetch: 9 }, ({ sender }) => senders.push(sender))
    await expect.poll(() => senders).toEqual([{ kind: 'guest', instanceId: 'a' }])
  })

  test('answers a call once', async () => {
    const answers: string[] = []
    await control.subscribe('reply.test', { prefetch: 9 }, keepIds(answers))
    hello()
    peer.send({ type: 'subscribe', n: 1, subscription: 1, queue: 'guestagent.a', prefetch: 1 })
    const call = message({ replyTo: 'reply.test', persistent: false })
    await control.publish('guestagent.a', call)
    await expect.poll(() => peer.frames.some(({ type }) => type === 'delivery')).toBe(true)
    const reply = (n: number, id: string, correlationId: string, queue = 'reply.test') =>
      peer.send({ type: 'publish', n, queue, message: { id, body: '{}', persistent: false, correlationId } })

    reply(2, 'wrong call', 'another')
    reply(3, 'wrong queue', call.id, 'reply.other')
    reply(4, 'right', call.id)
    reply(5, 'second', call.id)
    reply(6, 'right', call.id)

    for (const n of [2, 3, 5]) await answer(n).toMatchObject({ code: 'TRANSPORT_REFUSED' })
    for (const n of [4, 6]) await answer(n).toMatchObject({ type: 'done' })
    expect(answers).toEqual(['right'])
  })

  test('is cut off for a frame larger than its kind may send', async () => {
    hello()
    const header = Buffer.alloc(4)
    header.writeUInt32BE(1024 * 1024 + 1)
    peer.write(header)
    await saysBye('TRANSPORT_TOO_LARGE')
    await expect.poll(() => peer.ended()).toBe(true)
  })

  test('is cut off for what is no frame, and nothing after it is read', async () => {
    hello()
    peer.send({ type: 'publish', n: 1, queue: 'trove-conductor', message: { id: 5 } })
    peer.send({
      type: 'publish',
      n: 2,
      queue: 'trove-conductor',
      message: { id: 'x', body: '', persistent: false },
    })
    await saysBye('TRANSPORT_BAD_FRAME')
    expect(hub.waiting('trove-conductor')).toBe(0)
  })

  test('is not heard any more once its credential is removed, though its last words were on their way', async () => {
    hello()
    await expect.poll(() => peer.frames.length).toBe(1)
    peer.send({
      type: 'publish',
      n: 1,
      queue: 'trove-conductor',
      message: { id: 'last words', body: '{}', persistent: false },
    })
    await hub.admin.deleteGuest('a')
    await expect.poll(() => peer.ended()).toBe(true)
    expect(hub.waiting('trove-conductor')).toBe(0)
  })

  test('is cut off when it goes on asking for what it may not have', async () => {
    hello()
    for (let n = 0; n < 120; n++) {
      peer.send({ type: 'subscribe', n, subscription: n, queue: 'taskmanager', prefetch: 1 })
    }
    await expect.poll(() => peer.frames.some(({ type }) => type === 'bye')).toBe(true)
    await expect.poll(() => peer.ended()).toBe(true)
  })

  test('must begin with hello, and in a version that the hub knows', async () => {
    peer.send({ type: 'ping' })
    await saysBye('TRANSPORT_BAD_FRAME')
    const future = await rawPeer(hub.port, 'guest:a', 'secret of a')
    future.send({ type: 'hello', version: 99 })
    await expect.poll(() => future.frames.at(-1)).toMatchObject({ code: 'TRANSPORT_VERSION' })
  })

  test('holds no more messages than it may', async () => {
    hello()
    peer.send({ type: 'subscribe', n: 1, subscription: 1, queue: 'guestagent.a', prefetch: 1e6 })
    await answer(1).toMatchObject({ code: 'TRANSPORT_REFUSED' })
  })
})

describe('the handshake', () => {
  test('is refused without the key of the identity that is named', async () => {
    await expect(rawPeer(hub.port, 'guest:a', 'secret of b')).rejects.toThrow()
    await expect(rawPeer(hub.port, 'guest:nobody', 'secret of a')).rejects.toThrow()
    await expect(rawPeer(hub.port, 'control:other', 'secret of a')).rejects.toThrow()
    await expect(rawPeer(hub.port, 'somebody', 'secret of a')).rejects.toThrow()
  })

  test('does not accept the key of one identity under the name of another', async () => {
    // The line in clear names B, whose key is looked up; the handshake then proves A's.
    const { clientTls } = await import('../../../../../runtime/transport/embedded/psk.ts')
    const asA = clientTls('guest:a', 'secret of a')
    await expect(rawPeer(hub.port, 'guest:b', 'secret of b', asA)).rejects.toThrow()
  })

  test('cannot be skipped by resuming a session of a credential that was removed', async () => {
    const before = await rawPeer(hub.port, 'guest:a', 'secret of a')
    await expect.poll(() => before.sessionTicket()).toBeDefined()
    const session = before.sessionTicket()
    await hub.admin.deleteGuest('a')
    await expect.poll(() => before.ended()).toBe(true)

    // B is an identity that the hub knows; the ticket is A's.
    const resumed = await rawPeer(hub.port, 'guest:b', 'no key', {
      ...(session === undefined ? {} : { session }),
      pskCallback: () => null as never,
    }).catch(() => undefined)
    resumed?.send({ type: 'hello', version: 1 })
    if (resumed !== undefined) await expect.poll(() => resumed.ended()).toBe(true)
    expect(resumed?.frames ?? []).toEqual([])
    expect(hub.sessions()).toBe(0)
  })

  test('of a stranger who never finishes the first line costs a bounded line only', async () => {
    const socket = connect({ host: '127.0.0.1', port: hub.port })
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    socket.write('x'.repeat(300))
    await ended
  })
})

describe('a peer that falls silent', () => {
  /** Passes bytes on until it is told to swallow them: a network that is gone without a word. */
  async function tunnel(target: number) {
    const sockets: Socket[] = []
    let swallow = false
    const server = createServer((near) => {
      const far = connect({ host: '127.0.0.1', port: target })
      sockets.push(near, far)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk) => swallow || to.write(chunk))
        from.on('error', () => undefined)
        from.on('close', () => swallow || to.destroy())
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return {
      port: typeof address === 'object' && address !== null ? address.port : 0,
      silence: () => {
        swallow = true
      },
      close() {
        for (const socket of sockets) socket.destroy()
        server.close()
      },
    }
  }

  test('is noticed on both sides, and what it held goes to the next', async () => {
    const quick = await testHub({ deadAfterMs: 250 })
    await quick.admin.createGuest('a', 'secret of a')
    const through = await tunnel(quick.port)
    const held: string[] = []
    const guest = connectEmbedded(parseTransportUrl(urlOf('a', through.port)), { heartbeatMs: 80 })
    await guest.subscribe('guestagent.a', { prefetch: 1 }, ({ envelope }) => held.push(envelope.id))
    const sender = quick.connection({ kind: 'control', name: 'test' })
    const sent = message()
    await sender.publish('guestagent.a', sent)
    await expect.poll(() => held).toEqual([sent.id])
    // Silence alone kills nobody: pings keep an idle connection.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect([guest.connected(), quick.sessions()]).toEqual([true, 1])

    through.silence()

    await expect.poll(() => quick.sessions(), { timeout: 2000 }).toBe(0)
    await expect.poll(() => guest.connected(), { timeout: 2000 }).toBe(false)
    const next: string[] = []
    const other = await connectTransport(urlOf('a', quick.port), { waitMs: 2000 })
    await other.subscribe('guestagent.a', { prefetch: 1 }, keepIds(next))
    await expect.poll(() => next).toEqual([sent.id])
    await other.close()
    await guest.close()
    through.close()
    await quick.close()
  })
})
