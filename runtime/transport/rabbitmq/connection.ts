import type { Clock } from '../../../lib/clock.ts'
import { changeListeners } from '../change-listeners.ts'
import { closed } from '../errors.ts'
import { type EventLog, reasonOf } from '../log.ts'
import { queueName } from '../names.ts'
import type { Connection } from '../types.ts'
import { createAnswers } from './answers.ts'
import { createPublisher } from './publisher.ts'
import { createReader, type Reader } from './reader.ts'
import { parseAmqpUrl, principalOfUser } from './url.ts'
import { closeOf, dial, type Wire } from './wire.ts'

const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 15_000

export interface RabbitConnection extends Connection {
  /** Why the last attempt to connect failed, while not connected. */
  readonly lastFailure: () => Error | undefined
}

/**
 * A connection to RabbitMQ that mends itself. What was published and not confirmed is published again in its order after a
 * loss; subscriptions are made again.
 *
 * @param options.name name of a control process; a guest is known by its user name
 * @throws CofferError TRANSPORT_URL_INVALID
 */
export function connectRabbit(
  url: string,
  options: { readonly clock: Clock; readonly log: EventLog; readonly name: string },
): RabbitConnection {
  const { clock, log } = options
  const address = parseAmqpUrl(url)
  const principal = principalOfUser(address.user, options.name)
  const where = { user: address.user, host: address.host, port: address.port }
  const answers = createAnswers()
  const publisher = createPublisher({ principal, answers, clock, log })
  /** Subscriptions, and whether the broker has accepted them once: until then whoever subscribes tries again. */
  const readers = new Map<Reader, { accepted: boolean }>()
  const listeners = changeListeners()
  let wire: Wire | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let failures = 0
  let failure: Error | undefined
  let over = false
  /** Subscriptions that wait for a connection. */
  let waiting: (() => void)[] = []

  const tell = (connected: boolean) => {
    listeners.tell(connected)
  }
  const wake = () => {
    const all = waiting
    waiting = []
    for (const go of all) go()
  }

  function start(): void {
    dial(address).then(opened, (error: unknown) =>
      lost(error instanceof Error ? error : new Error(String(error))),
    )
  }

  function opened(dialled: Wire): void {
    const { model } = dialled
    if (over) {
      void closeOf(model)
      return
    }
    wire = dialled
    failures = 0
    failure = undefined
    model.once('close', () => {
      if (wire === dialled) lost(dialled.failure() ?? new Error('RabbitMQ closed the connection'))
    })
    // Without its channel for publishing a connection is of no use.
    dialled.publisher.once('close', () => void closeOf(model))
    log.info(where, 'Connected to RabbitMQ')
    for (const [reader, { accepted }] of readers) {
      if (!accepted) continue
      reader.attach(dialled).catch((error: unknown) => {
        if (wire !== dialled) return
        log.error({ ...where, queue: reader.queue, reason: reasonOf(error) }, 'A queue cannot be read')
      })
    }
    publisher.opened(dialled)
    wake()
    tell(true)
  }

  function lost(reason: Error): void {
    const was = wire !== undefined
    wire = undefined
    failure = reason
    publisher.lost()
    for (const reader of readers.keys()) reader.lost()
    if (was) tell(false)
    if (over) return
    const delay = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + Math.random())
    failures++
    // One line at the loss and one in sixteen attempts: an hour's outage must not fill a guest's disk.
    if (was || failures % 16 === 1)
      log.warn({ ...where, reason: reason.message }, 'There is no connection to RabbitMQ')
    retryTimer = setTimeout(start, delay)
  }

  async function attachFirst(reader: Reader): Promise<void> {
    for (;;) {
      if (over) throw closed()
      const on = wire
      if (on === undefined) {
        await new Promise<void>((resolve) => waiting.push(resolve))
        continue
      }
      try {
        return await reader.attach(on)
      } catch (error) {
        if (wire === on) throw error
      }
    }
  }

  start()
  return {
    publish: publisher.publish,
    async subscribe(text, { prefetch }, handler) {
      const queue = queueName(text)
      const reader = createReader({ principal, queue, prefetch, handler, answers, clock, log })
      const state = { accepted: false }
      readers.set(reader, state)
      try {
        await attachFirst(reader)
        state.accepted = true
      } catch (error) {
        readers.delete(reader)
        throw error
      }
      return {
        async cancel() {
          if (readers.delete(reader)) await reader.cancel()
        },
      }
    },
    lastFailure: () => failure,
    connected: () => wire !== undefined,
    onChange: listeners.add,
    async close() {
      if (over) return
      over = true
      clearTimeout(retryTimer)
      const open = wire
      wire = undefined
      publisher.close()
      wake()
      // Closing in order sends the acknowledgements that wait.
      if (open === undefined) return
      await closeOf(open.model)
      tell(false)
    },
  }
}
