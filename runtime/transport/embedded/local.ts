import type { Clock } from '../../../lib/clock.ts'
import { changeListeners } from '../change-listeners.ts'
import { aborted, closed } from '../errors.ts'
import { type EventLog, reasonOf } from '../log.ts'
import type { Connection, Delivery, Subscription } from '../types.ts'
import type { Broker } from './broker.ts'

/** A connection of a service that lives in the hub's own process: no socket, and always connected. */
export function localConnection(
  broker: Broker,
  principal: Parameters<Broker['port']>[0],
  options: { readonly clock: Clock; readonly log: EventLog; readonly onClose: () => void },
): Connection {
  const port = broker.port(principal)
  const listeners = changeListeners()
  let open = true

  return {
    async publish(queue, envelope, signal) {
      if (!open) throw closed()
      if (signal?.aborted === true) throw aborted()
      const kept = port.publish(queue, envelope)
      await (signal === undefined ? kept : orAborted(kept, signal))
    },
    async subscribe(queue, { prefetch }, handler): Promise<Subscription> {
      if (!open) throw closed()
      let active = true
      const end = await port.subscribe(queue, prefetch, (held) => {
        const { envelope, sender, redelivered, ack, requeue } = held
        const delivery: Delivery = { envelope, sender, redelivered, ack, requeue }
        // In a turn of its own: a queue must not call its reader in the middle of its own work.
        setImmediate(() => {
          if (!active) return
          try {
            handler(delivery)
          } catch (error) {
            options.log.error({ queue, reason: reasonOf(error) }, 'The handler of a message failed')
          }
        })
      })
      return {
        async cancel() {
          active = false
          end()
        },
      }
    },
    connected: () => open,
    onChange: listeners.add,
    async close() {
      if (!open) return
      open = false
      port.detach()
      options.onClose()
      listeners.tell(false)
    },
  }
}

/** Fails when the signal is given; the message may be kept all the same. Leaves nothing on a signal that lives long. */
async function orAborted(kept: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort = () => undefined
  const abortion = new Promise<never>((_resolve, reject) => {
    onAbort = () => void reject(aborted())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([kept, abortion])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
