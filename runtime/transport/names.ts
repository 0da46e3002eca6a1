import { refused } from './errors.ts'
import type { Principal, QueueName } from './types.ts'

/** Ids and names may reach exchange names, permission patterns and URLs: letters, digits and few signs only. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

/** `guest:<instance id>` or `control:<name>`: the identity of a transport URL and of the TLS handshake. */
export function identityOf(principal: Principal): string {
  return principal.kind === 'guest' ? `guest:${principal.instanceId}` : `control:${principal.name}`
}

/** The principal of an identity, or undefined when it is none. */
export function principalOf(identity: string): Principal | undefined {
  const colon = identity.indexOf(':')
  const kind = identity.slice(0, colon)
  const name = identity.slice(colon + 1)
  if (!SAFE_NAME.test(name)) return undefined
  if (kind === 'guest') return { kind, instanceId: name }
  return kind === 'control' ? { kind, name } : undefined
}

/** @throws CofferError TRANSPORT_REFUSED when the text names no queue; patterns and wildcards name none */
export function queueName(text: string): QueueName {
  if (text === 'taskmanager' || text === 'trove-conductor') return text
  const dot = text.indexOf('.')
  const family = text.slice(0, dot)
  if ((family === 'guestagent' || family === 'reply') && SAFE_NAME.test(text.slice(dot + 1))) {
    return text as QueueName
  }
  throw refused(`the queue name ${JSON.stringify(text.slice(0, 100))}`)
}

/** @throws CofferError TRANSPORT_REFUSED when the text cannot be an instance id */
export function instanceIdName(text: string): string {
  if (!SAFE_NAME.test(text)) throw refused(`the instance id ${JSON.stringify(text.slice(0, 100))}`)
  return text
}

/** The instance id of a guest's queue, or undefined for other queues. */
export function guestOfQueue(queue: string): string | undefined {
  return queue.startsWith('guestagent.') ? queue.slice('guestagent.'.length) : undefined
}

export const isReplyQueue = (queue: string): boolean => queue.startsWith('reply.')

export function samePrincipal(a: Principal, b: Principal): boolean {
  return identityOf(a) === identityOf(b)
}
