import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import type { QueueName } from '../types.ts'
import { queueArguments } from './topology.ts'
import { type RabbitAddress, socketOptions } from './url.ts'

/** Seconds between heartbeats; RabbitMQ and the client both give a silent peer up after two of them. */
const HEARTBEAT_S = 10

/** One connection to the broker, from its opening until it breaks. */
export interface Wire {
  readonly model: ChannelModel
  readonly publisher: ConfirmChannel
  /**
   * Makes a queue or a binding, once a connection.
   * @param key names what is made
   */
  readonly prepare: (key: string, make: (channel: Channel) => Promise<unknown>) => Promise<void>
  readonly forgetPrepared: () => void
  /** Why it broke, as far as RabbitMQ said. */
  readonly failure: () => Error | undefined
}

/** Connects once. The library is loaded here: whoever uses the embedded hub does not pay for it. */
export async function dial(address: RabbitAddress): Promise<Wire> {
  const { connect } = await import('amqplib')
  const { host, port, user, password, vhost, protocol } = address
  const model = await connect(
    { protocol, hostname: host, port, username: user, password, vhost, heartbeat: HEARTBEAT_S },
    await socketOptions(address),
  )
  let failure: Error | undefined
  // From the first moment: an error that nobody hears ends the process.
  model.on('error', (error: Error) => {
    failure = error
  })
  try {
    return wireOf(model, await model.createConfirmChannel(), () => failure)
  } catch (error) {
    await closeOf(model)
    throw error
  }
}

function wireOf(model: ChannelModel, publisher: ConfirmChannel, failure: () => Error | undefined): Wire {
  const prepared = new Map<string, Promise<void>>()

  /** In a channel of its own, since a refusal closes the channel. */
  async function aside(make: (channel: Channel) => Promise<unknown>): Promise<void> {
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    await make(channel)
    await closeOf(channel)
  }

  return {
    model,
    publisher,
    prepare(key, make) {
      const known = prepared.get(key)
      if (known !== undefined) return known
      const made = aside(make).catch((error: unknown) => {
        prepared.delete(key)
        throw error
      })
      prepared.set(key, made)
      return made
    },
    forgetPrepared: () => prepared.clear(),
    failure,
  }
}

/**
 * Closes a connection or a channel, in whatever state it is. The library waits for the broker's answer, which never comes when
 * the connection breaks or the broker closes it at the same moment; its event comes then.
 */
export async function closeOf(open: ChannelModel | Channel): Promise<void> {
  await new Promise<void>((resolve) => {
    open.once('close', () => resolve())
    open.close().then(resolve, () => resolve())
  })
}

/** Declares a queue that is not a guest's: those are made by the administrator. */
export function declareQueue(wire: Wire, queue: QueueName): Promise<void> {
  return wire.prepare(queue, (channel) =>
    channel.assertQueue(queue, { durable: true, arguments: queueArguments(queue) }),
  )
}

/** An error that RabbitMQ gave, by its reply code: 403 refused, 404 not found. */
export function isCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
