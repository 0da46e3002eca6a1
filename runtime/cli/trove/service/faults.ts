import { CofferError } from '../../../../lib/errors.ts'
import type { JsonObject } from '../commands/types.ts'
import { isObject, text } from '../output/fields.ts'
import { parseJson } from '../output/json.ts'
import type { HttpReply } from './types.ts'

/** A service refused: its message and the HTTP status, as the client of OpenStack prints them. */
export class ServiceFault extends CofferError {
  readonly status: number
  constructor(status: number, message: string) {
    super('SERVICE_FAULT', `${message} (HTTP ${status})`, { retryable: status === 503 || status === 413 })
    this.status = status
  }
}

/**
 * The error that an answer carries: `{"<fault>": {"code", "message"}}`, a message at the top level, or plain text (contract §2.2).
 */
export function faultOf(reply: HttpReply): ServiceFault {
  return new ServiceFault(reply.status, messageOf(reply))
}

/** The answer as an object; an empty one when there is no body or another kind of body. */
export function jsonOf(reply: HttpReply): JsonObject {
  try {
    const value = parseJson(reply.text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/**
 * The answer to a request that succeeded; an empty object when there is no body.
 *
 * @throws CofferError `ANSWER_UNREADABLE` for another kind of body: something else listens at that URL
 */
export function answerOf(reply: HttpReply, url: string): JsonObject {
  const answer = jsonOf(reply)
  if (reply.text.trim() === '' || reply.text.trimStart().startsWith('{')) return answer
  throw new CofferError('ANSWER_UNREADABLE', `${url} does not answer in JSON: it is not a database service`, {
    hint: 'check OS_AUTH_URL and --bypass-url',
  })
}

function messageOf(reply: HttpReply): string {
  const body = jsonOf(reply)
  const first = Object.values(body)[0]
  const message = text(body.message) ?? (isObject(first) ? text(first.message) : undefined)
  if (message !== undefined) return message
  const plain = typeof first === 'string' ? first : reply.text.trim()
  const readable = plain !== '' && plain.length < 500 && !plain.startsWith('<') && !plain.startsWith('{')
  return readable ? plain : 'The service gave no reason.'
}
