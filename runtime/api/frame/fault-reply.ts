import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { CofferError } from '../../../lib/errors.ts'
import { FAULTS, faultRule } from '../../model/faults.ts'

/** Name of a fault's only key, by status (Trove contract §1.1). */
const FAULT_NAMES: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflict',
  413: 'overLimit',
  415: 'badMediaType',
  422: 'unprocessableEntity',
  500: 'serverError',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

/** WebOb's sentence for a request that says nothing better of itself (contract §1.1). */
const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.'

interface FaultAnswer {
  readonly status: number
  readonly name: string
  readonly message: string
}

/** The body of a fault: `{"itemNotFound": {"code": 404, "message": …}}`. */
export function faultBody(status: number, message: string, name = FAULT_NAMES[status] ?? 'badRequest') {
  return { [name]: { code: status, message } }
}

const answer = (status: number, message: string): FaultAnswer => ({
  status,
  name: FAULT_NAMES[status] ?? 'badRequest',
  message,
})

/** What Fastify itself refuses: sizes, media types, broken framing. */
function ofFramework(error: FastifyError): FaultAnswer | undefined {
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return answer(415, FAULTS.UNSUPPORTED_CONTENT_TYPE.text)
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return answer(413, 'The request body is too large.')
  const status = error.statusCode
  if (typeof error.code !== 'string' || !error.code.startsWith('FST_') || status === undefined)
    return undefined
  return status >= 400 && status < 500 ? answer(status, MALFORMED) : undefined
}

/** The answer for an error, or undefined for one whose text is not for users. */
function faultOf(error: unknown): FaultAnswer | undefined {
  const rule = faultRule(error)
  if (rule !== undefined && error instanceof Error) return answer(rule.status, error.message)
  // A part of the service that is out of reach now: the same request may pass later.
  if (error instanceof CofferError)
    return error.retryable ? answer(503, FAULTS.SERVICE_UNAVAILABLE.text) : undefined
  return error instanceof Error ? ofFramework(error as FastifyError) : undefined
}

/**
 * Fastify's error handler: a fault for every error. The unexpected ones get an id that also stands in the log, and nothing
 * of their text reaches the user.
 */
export function replyWithFault(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = faultOf(error)
  if (known !== undefined) {
    if (known.status === 503) request.log.warn({ err: error }, 'A part of the service is out of reach')
    return reply.code(known.status).send(faultBody(known.status, known.message, known.name))
  }
  const id = randomUUID()
  request.log.error({ err: error, faultId: id }, 'A request ended in an unexpected error')
  const message = `Internal Server Error. Please keep this ID to help us figure out what went wrong: (${id}).`
  return reply.code(500).send(faultBody(500, message, 'instanceFault'))
}
