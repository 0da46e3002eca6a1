import type { FastifyInstance } from 'fastify'
import { fault } from '../../model/faults.ts'

/** Bytes of a request body. A create with thousands of users stays far below. */
export const BODY_LIMIT = 1024 * 1024

/**
 * Takes JSON bodies only (anything else is 415), and an empty body as none: clients send `Content-Type: application/json`
 * with every request, also with those that have no body.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, text, done) => {
      if (text === '') return done(null, undefined)
      try {
        done(null, JSON.parse(text.toString()))
      } catch {
        done(fault('BAD_REQUEST', { reason: 'Malformed request body' }), undefined)
      }
    },
  )
}
