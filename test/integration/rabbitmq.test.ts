import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectTransport, transportAdmin } from '../../runtime/transport/index.ts'
import { guestQueue, type TransportAdmin } from '../../runtime/transport/types.ts'
import { transportContract } from '../contract/transport/suite.ts'
import { type RabbitServer, startRabbit } from './rabbitmq/server.ts'

const controlUrl = ({ host, port }: RabbitServer) => `amqp://guest:guest@${host}:${port}/`

let rabbit: RabbitServer
beforeAll(async () => {
  rabbit = await startRabbit()
})
afterAll(async () => {
  await rabbit?.stop()
})

transportContract(
  'rabbitmq',
  async () => {
    const admin = await transportAdmin({
      transportUrl: controlUrl(rabbit),
      transportAdminUrl: rabbit.adminUrl,
    })
    return {
      admin,
      controlUrl: controlUrl(rabbit),
      impostorUrl: (claimed, secret) => admin.guestUrl(claimed, secret),
      kill: rabbit.kill,
      restart: rabbit.launch,
      stop: async () => undefined,
    }
  },
  { refusalMs: 1500 },
)

describe('RabbitMQ itself refuses a guest that speaks AMQP by hand', () => {
  let admin: TransportAdmin
  beforeAll(async () => {
    admin = await transportAdmin({ transportUrl: controlUrl(rabbit), transportAdminUrl: rabbit.adminUrl })
    await admin.createGuest('aaa', 'secret-a')
    await admin.createGuest('a.a', 'secret-dot')
    await admin.createGuest('bbb', 'secret-b')
  })
  afterAll(async () => {
    for (const id of ['aaa', 'a.a', 'bbb']) await admin.deleteGuest(id)
  })

  /** What becomes of an attempt: the code that RabbitMQ closes the channel with, or `allowed`. */
  async function attempt(
    id: string,
    secret: string,
    act: (
      channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createConfirmChannel']>>,
    ) => unknown,
  ): Promise<number | string> {
    const model = await connect(admin.guestUrl(id, secret))
    model.on('error', () => undefined)
    const channel = await model.createConfirmChannel()
    const refusal = new Promise<number>((resolve) => {
      channel.on('error', (error: Error & { code: number }) => resolve(error.code))
    })
    const done = (async () => {
      await act(channel)
      await channel.waitForConfirms()
      return 'allowed'
    })().catch(() => refusal)
    const outcome = await done
    await model.close().catch(() => undefined)
    return outcome
  }

  const body = Buffer.from('{}')
  const attempts: Record<string, Parameters<typeof attempt>[2]> = {
    'publishing to the default exchange': (channel) => channel.publish('', 'guestagent.bbb', body),
    "publishing to another guest's exchange": (channel) =>
      channel.publish('out.bbb', 'trove-conductor', body),
    'publishing to amq.topic': (channel) => channel.publish('amq.topic', '#', body),
    "consuming another guest's queue": (channel) => channel.consume('guestagent.bbb', () => undefined),
    'consuming the task manager': (channel) => channel.consume('trove-conductor', () => undefined),
    "getting from another guest's queue": (channel) => channel.get('guestagent.bbb'),
    "purging another guest's queue": (channel) => channel.purgeQueue('guestagent.bbb'),
    'deleting its own queue': (channel) => channel.deleteQueue('guestagent.aaa'),
    'declaring a queue': (channel) => channel.assertQueue('guestagent.aaa.more'),
    'declaring an exchange': (channel) => channel.assertExchange('out.aaa.more', 'fanout'),
    'binding its own queue to its own exchange': (channel) =>
      channel.bindQueue('guestagent.aaa', 'out.aaa', 'x'),
    "binding another guest's queue to its own exchange": (channel) =>
      channel.bindQueue('guestagent.bbb', 'out.aaa', 'guestagent.bbb'),
    'binding its own queue to another exchange': (channel) =>
      channel.bindQueue('guestagent.aaa', 'out.bbb', 'trove-conductor'),
    'binding exchanges': (channel) => channel.bindExchange('out.bbb', 'out.aaa', ''),
  }
  for (const [what, act] of Object.entries(attempts)) {
    test(what, async () => expect(await attempt('aaa', 'secret-a', act)).toBe(403))
  }

  test('its own exchange and queue are allowed, so that the refusals mean something', async () => {
    const allowed = await attempt('aaa', 'secret-a', async (channel) => {
      await channel.consume('guestagent.aaa', () => undefined)
      channel.publish('out.aaa', 'trove-conductor', body)
    })
    expect(allowed).toBe('allowed')
  })

  test("an id with a dot is no pattern for another's name", async () => {
    const read = await attempt('a.a', 'secret-dot', (channel) =>
      channel.consume('guestagent.aaa', () => undefined),
    )
    expect(read).toBe(403)
  })
})

test('TLS: the broker is checked against the certificate authority that the URL names', async () => {
  const { host, tlsPort, caFile } = rabbit
  const url = `amqps://guest:guest@${host}:${tlsPort}/`
  const trusting = await connectTransport(`${url}?ssl_ca_file=${caFile}`, { waitMs: 10_000 })
  await expect(trusting.publish(guestQueue('nobody'), envelope)).rejects.toMatchObject({
    code: 'TRANSPORT_NO_QUEUE',
  })
  await trusting.close()
  await expect(connectTransport(url, { waitMs: 1500 })).rejects.toMatchObject({
    code: 'TRANSPORT_UNAVAILABLE',
  })
})

const envelope = { id: 'one', body: '{}', persistent: false }
