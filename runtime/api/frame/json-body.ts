import type { FastifyInstance } from 'fastify'
import { fault } from '../../model/faults.ts'

/** Bytes of a request body. A create with thousands of users stays far below. */
export const BODY_LIMIT = 1024 * 1024

/** Objects and lists inside each other. Ours have six; what is deeper overflows the stack of whoever walks it. */
const DEEPEST = 64
/** Values of one body: each wrong one costs a complaint of the validator. */
const MOST_VALUES = 50_000

/**
 * Takes JSON bodies only (anything else is 415), and an empty body as none: clients send `Content-Type: application/json`
 * with every request, also with those that have no body.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, body, done) => {
      const text = body.toString()
      if (text === '') return done(null, undefined)
      if (!isModest(text)) return done(malformed(), undefined)
      try {
        done(null, JSON.parse(text))
      } catch {
        done(malformed(), undefined)
      }
    },
  )
}

const malformed = () => fault('BAD_REQUEST', { reason: 'Malformed request body' })

/** Whether the text's nesting and its number of values stay within bounds. Texts in it are passed over. */
function isModest(text: string): boolean {
  let depth = 0
  let values = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfText(text, at)
    else if (char === '{' || char === '[') {
      if (++depth > DEEPEST) return false
    } else if (char === '}' || char === ']') depth--
    else if (char === ',' && ++values > MOST_VALUES) return false
  }
  return true
}

/** @returns where the text ends that begins at a quote */
function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++
    else if (json[at] === '"') return at
  }
  return json.length
}
