import { createHash } from 'node:crypto'
import { printable } from '../../../../lib/printable.ts'
import { quoteWord } from '../../../../lib/quote.ts'
import type { Json } from '../commands/types.ts'
import { parseJson, writeJson } from '../output/json.ts'
import type { HttpReply, HttpRequest } from './types.ts'

/** Watches requests and answers. */
export interface Debug {
  readonly request: (request: HttpRequest) => void
  readonly reply: (reply: HttpReply) => void
}

/**
 * Shows requests as curl lines and answers, as the book's Appendix B does; tokens as their hash, passwords and keys as `***`.
 *
 * @param write takes one line for the error stream
 */
export function debugLines(write: (line: string) => void): Debug {
  return {
    request: ({ method, url, headers = {}, body }) => {
      const shown = { Accept: 'application/json', ...headers }
      const words = Object.entries(shown).flatMap(([name, value]) => [
        '-H',
        quoted(`${name}: ${masked(name, value)}`),
      ])
      const data = body === undefined ? [] : ['-d', quoteWord(writeJson(withoutSecrets(body)))]
      write(`DEBUG REQ: curl -g -i -X ${method} ${quoteWord(url)} ${[...words, ...data].join(' ')}`)
    },
    reply: ({ status, headers, text }) => {
      const shown = Object.entries(headers).map(([name, value]) => `${name}: ${masked(name, String(value))}`)
      write(printable(`DEBUG RESP: [${status}] ${shown.join(' ')}`))
      if (text !== '') write(printable(`RESP BODY: ${maskedText(text)}`))
    },
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, '\\$&')}"`
}

function masked(name: string, value: string): string {
  return /token$|authorization|cookie/i.test(name) ? hashed(value) : value
}

function hashed(secret: string): string {
  return `{SHA256}${createHash('sha256').update(secret).digest('hex')}`
}

/** What is not JSON is not shown: nobody knows what it holds. */
function maskedText(text: string): string {
  try {
    return writeJson(withoutSecrets(parseJson(text)))
  } catch {
    return `(${text.length} characters that are not JSON)`
  }
}

function withoutSecrets(value: Json, parent = ''): Json {
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each, parent))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      // A token is `{"token": {"id": …}}` both in v2.0 answers and in v3 requests.
      const secret = /password|secret|private/i.test(name) || (parent === 'token' && name === 'id')
      return [name, secret && typeof each === 'string' ? '***' : withoutSecrets(each, name)]
    }),
  )
}
