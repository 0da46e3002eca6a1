import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../../lib/clock.ts'
import { CofferError } from '../../../../lib/errors.ts'
import {
  type RpcClient,
  type RpcMethod,
  rpcClient,
  rpcServer,
  type SeenJournal,
} from '../../../../runtime/rpc/index.ts'
import type { RpcServerOptions } from '../../../../runtime/rpc/types.ts'
import type { Hub } from '../../../../runtime/transport/embedded/index.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import type { Connection, QueueName } from '../../../../runtime/transport/types.ts'
import { testHub } from '../transport/embedded/harness.ts'

const QUEUE: QueueName = 'guestagent.a'
const soon = { timeoutMs: 5000 }

let hub: Hub
let control: Connection
let guest: Connection
let client: RpcClient

beforeEach(async () => {
  hub = await testHub()
  await hub.admin.createGuest('a', 'secret')
  control = hub.connection({ kind: 'control', name: 'api' })
  guest = hub.connection({ kind: 'guest', instanceId: 'a' })
  client = rpcClient(control, { name: 'api', clock: systemClock })
})
afterEach(async () => {
  await client.close()
  await hub.close()
})

const concurrent = (run: RpcMethod['run']): RpcMethod => ({ lane: 'concurrent', run })
const serial = (run: RpcMethod['run']): RpcMethod => ({ lane: 'serial', run })
const serve = (
  methods: RpcServerOptions['methods'],
  options: Partial<RpcServerOptions> = {},
  seen?: SeenJournal,
) =>
  rpcServer(
    guest,
    QUEUE,
    { version: '1.3', methods, ...options },
    { clock: systemClock, log: silentLog, ...(seen === undefined ? {} : { seen }) },
  )

/** A promise and what settles it: work that ends when the test says so. */
function gate() {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

describe('a call', () => {
  test('is answered with what the method returns, or null', async () => {
    await serve({ echo: concurrent(async (args) => args), nothing: concurrent(async () => undefined) })
    expect(await client.call(QUEUE, 'echo', { a: [1, 'ü', null] }, soon)).toEqual({ a: [1, 'ü', null] })
    expect(await client.call(QUEUE, 'nothing', {}, soon)).toBeNull()
  })

  test('fails with the code, the text and the retryability of the other side', async () => {
    await serve({
      ours: concurrent(async () => {
        throw new CofferError('USER_NOT_FOUND', 'User x cannot be found on the instance.', {
          retryable: true,
        })
      }),
      other: concurrent(async () => {
        throw new TypeError('x is not iterable')
      }),
    })
    await expect(client.call(QUEUE, 'ours', {}, soon)).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
      message: 'User x cannot be found on the instance.',
      retryable: true,
    })
    await expect(client.call(QUEUE, 'other', {}, soon)).rejects.toMatchObject({
      code: 'GUEST_ERROR',
      message: 'x is not iterable',
    })
  })

  test.each(['missing', 'constructor', '__proto__', 'toString'])(
    'of the unknown method %s says so',
    async (name) => {
      await serve({})
      await expect(client.call(QUEUE, name, {}, soon)).rejects.toMatchObject({ code: 'RPC_UNKNOWN_METHOD' })
    },
  )

  test('of another major version is refused, of another minor one taken', async () => {
    const methods = { ping: concurrent(async () => true) }
    const old = await serve(methods, { version: '2.0' })
    await expect(client.call(QUEUE, 'ping', {}, soon)).rejects.toMatchObject({ code: 'RPC_VERSION' })
    await old.stop()
    await serve(methods, { version: '1.9' })
    expect(await client.call(QUEUE, 'ping', {}, soon)).toBe(true)
  })

  test('times out when nobody answers, and is not run afterwards', async () => {
    const ran = vi.fn(async () => true)
    await expect(client.call(QUEUE, 'ping', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'RPC_TIMEOUT',
      message: 'guestagent.a did not answer ping within 0.05 s.',
      retryable: true,
    })
    await serve({ ping: concurrent(ran) })
    expect(await client.call(QUEUE, 'ping', {}, soon)).toBe(true)
    expect(ran).toHaveBeenCalledTimes(1)
  })

  test('ends when its signal does', async () => {
    const reason = new Error('the client hung up')
    await expect(client.call(QUEUE, 'ping', {}, { ...soon, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    const stop = new AbortController()
    const call = client.call(QUEUE, 'ping', {}, { ...soon, signal: stop.signal })
    stop.abort(reason)
    await expect(call).rejects.toBe(reason)
  })

  test('to an instance that does not exist fails at once', async () => {
    await expect(client.call('guestagent.none', 'ping', {}, soon)).rejects.toMatchObject({
      code: 'TRANSPORT_NO_QUEUE',
    })
  })

  test('that is under way when the client closes fails', async () => {
    const call = client.call(QUEUE, 'ping', {}, soon)
    await client.close()
    await expect(call).rejects.toMatchObject({ code: 'RPC_CLOSED' })
  })

  test('is not answered by anybody but whom it went to', async () => {
    await hub.admin.createGuest('b', 'secret')
    const listening = client.call(QUEUE, 'ping', {}, { timeoutMs: 400 })
    // B receives a call of its own with the same id and the same place to answer.
    await guest.subscribe(QUEUE, { prefetch: 1 }, async ({ envelope }) => {
      await control.publish('guestagent.b', { ...envelope, persistent: false })
    })
    await hub
      .connection({ kind: 'guest', instanceId: 'b' })
      .subscribe('guestagent.b', { prefetch: 1 }, async (d) => {
        const { id, replyTo } = d.envelope
        if (replyTo === undefined) return
        const answer = { id: 'forged', body: '{"result":"forged"}', persistent: false, correlationId: id }
        await hub.connection({ kind: 'guest', instanceId: 'b' }).publish(replyTo, answer)
      })
    await expect(listening).rejects.toMatchObject({ code: 'RPC_TIMEOUT' })
  })
})

describe('what a method is told', () => {
  test('is who called, when, and for which API request', async () => {
    const told = vi.fn(async () => true)
    await serve({ ping: concurrent(told) })
    await client.call(QUEUE, 'ping', {}, { ...soon, requestId: 'req-1' })
    expect(told).toHaveBeenCalledWith(
      {},
      expect.objectContaining({
        sender: { kind: 'control', name: 'api' },
        requestId: 'req-1',
        sent: expect.closeTo(Date.now() / 1000, 0),
      }),
    )
  })
})

describe('a cast', () => {
  test('is acknowledged when its method has ended: a server that dies meanwhile gets it again', async () => {
    const stuck = gate()
    const first = vi.fn(() => stuck.passed.then(() => undefined))
    await serve({ prepare: serial(first) })
    await client.cast(QUEUE, 'prepare', {})
    await vi.waitFor(() => expect(first).toHaveBeenCalled())
    await guest.close()

    guest = hub.connection({ kind: 'guest', instanceId: 'a' })
    const second = vi.fn(async () => undefined)
    await serve({ prepare: serial(second) })
    await vi.waitFor(() => expect(second).toHaveBeenCalledTimes(1))
    await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    stuck.open()
  })

  test('that fails is not run over and over', async () => {
    const run = vi.fn(() => Promise.reject(new Error('no disk')))
    await serve({ prepare: serial(run) })
    await client.cast(QUEUE, 'prepare', {})
    await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('with the same id does nothing the second time', async () => {
    const run = vi.fn(async () => undefined)
    await serve({ prepare: serial(run) })
    for (let n = 0; n < 3; n++) {
      await client.cast(QUEUE, 'prepare', {}, { id: 'prepare-a' })
      await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    }
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('with the same id from another sender is another message', async () => {
    const run = vi.fn(async () => undefined)
    await serve({ prepare: serial(run) })
    await client.cast(QUEUE, 'prepare', {}, { id: 'x' })
    const other = rpcClient(hub.connection({ kind: 'control', name: 'other' }), {
      name: 'other',
      clock: systemClock,
    })
    await other.cast(QUEUE, 'prepare', {}, { id: 'x' })
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(2))
  })

  test('that was finished is not run again by the next process, one that was not finished is', async () => {
    const done = new Set<string>()
    const seen: SeenJournal = {
      has: async (key) => done.has(key),
      add: async (key) => void done.add(key),
    }
    const run = vi.fn(async () => undefined)
    const first = await serve({ prepare: serial(run) }, {}, seen)
    await client.cast(QUEUE, 'prepare', {}, { id: 'finished' })
    await vi.waitFor(() => expect(done.size).toBe(1))
    await first.stop()

    await serve({ prepare: serial(run) }, {}, seen)
    await client.cast(QUEUE, 'prepare', {}, { id: 'finished' })
    await client.cast(QUEUE, 'prepare', {}, { id: 'new' })
    await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('is kept by the broker unless it is transient', async () => {
    const publish = vi.fn(async () => undefined)
    const spied = rpcClient({ ...control, publish }, { name: 'x', clock: systemClock })
    await spied.cast('trove-conductor', 'heartbeat', {}, { transient: true })
    await spied.cast('trove-conductor', 'report_root', {})
    expect(publish.mock.calls.map(([, envelope]: unknown[]) => envelope)).toMatchObject([
      { persistent: false },
      { persistent: true },
    ])
  })
})

describe('lanes', () => {
  test('serial methods run one after another in order, concurrent ones pass them by', async () => {
    const log: string[] = []
    const first = gate()
    await serve({
      slow: serial(async ({ n }) => {
        log.push(`begin ${n}`)
        if (n === 1) await first.passed
        log.push(`end ${n}`)
        return undefined
      }),
      ping: concurrent(async () => true),
    })
    await client.cast(QUEUE, 'slow', { n: 1 })
    await client.cast(QUEUE, 'slow', { n: 2 })
    expect(await client.call(QUEUE, 'ping', {}, soon)).toBe(true)
    expect(log).toEqual(['begin 1'])
    first.open()
    await vi.waitFor(() => expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']))
  })

  test('calls that wait behind a long one leave at their deadline, and hold up nobody', async () => {
    const long = gate()
    const late = vi.fn(async () => true)
    await serve(
      {
        prepare: serial(async () => {
          await long.passed
          return undefined
        }),
        list_users: serial(late),
        ping: concurrent(async () => true),
      },
      { prefetch: 3 },
    )
    await client.cast(QUEUE, 'prepare', {})
    const calls = [1, 2, 3].map(() => client.call(QUEUE, 'list_users', {}, { timeoutMs: 100 }))
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'RPC_TIMEOUT' })
    expect(await client.call(QUEUE, 'ping', {}, soon)).toBe(true)
    long.open()
    await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    expect(late).not.toHaveBeenCalled()
  })
})

describe('a server', () => {
  test('drops messages of senders that it does not accept', async () => {
    const beat = vi.fn(async () => undefined)
    await rpcServer(
      control,
      'trove-conductor',
      { version: '1.0', methods: { heartbeat: concurrent(beat) } },
      { clock: systemClock, log: silentLog },
    )
    const agent = rpcClient(guest, { name: 'agent', clock: systemClock })
    await agent.cast('trove-conductor', 'heartbeat', {})
    await vi.waitFor(() => expect(hub.waiting('trove-conductor')).toBe(0))
    expect(beat).not.toHaveBeenCalled()
  })

  test('drops what is no request', async () => {
    const run = vi.fn(async () => undefined)
    await serve({ ping: concurrent(run) })
    const bodies = [
      '',
      'null',
      '[]',
      '{"method":"ping"}',
      '{"method":"ping","version":"1.0","args":[],"sent":1}',
    ]
    for (const [n, body] of bodies.entries()) {
      await control.publish(QUEUE, { id: `${n}`, body, persistent: false })
    }
    await vi.waitFor(() => expect(hub.waiting(QUEUE)).toBe(0))
    expect(run).not.toHaveBeenCalled()
  })

  test('that stops finishes what runs, begins nothing, and leaves the rest in the queue', async () => {
    const first = gate()
    const log: string[] = []
    const server = await serve({
      work: serial(async ({ n }) => {
        log.push(`begin ${n}`)
        await first.passed
        log.push(`end ${n}`)
        return undefined
      }),
    })
    for (const n of [1, 2, 3]) await client.cast(QUEUE, 'work', { n })
    await vi.waitFor(() => expect(log).toEqual(['begin 1']))
    const stopped = server.stop()
    first.open()
    await stopped
    expect(log).toEqual(['begin 1', 'end 1'])
    expect(hub.waiting(QUEUE)).toBe(2)
  })

  test('that stops does not wait longer than its grace, and tells its methods', async () => {
    const aborted = vi.fn()
    const begun = gate()
    const server = await serve({
      hang: serial(async (_args, { signal }) => {
        begun.open()
        signal.addEventListener('abort', aborted)
        await new Promise(() => undefined)
        return undefined
      }),
    })
    await client.cast(QUEUE, 'hang', {})
    await begun.passed
    await server.stop(50)
    expect(aborted).toHaveBeenCalledTimes(1)
    expect(hub.waiting(QUEUE)).toBe(1)
  })
})
