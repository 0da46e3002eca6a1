import { createHash, timingSafeEqual } from 'node:crypto'
import { CofferError } from '../../../lib/errors.ts'

/** RabbitMQ's management API. */
export interface Management {
  /** @returns the body; undefined for 404 */
  readonly get: (path: string) => Promise<unknown>
  readonly put: (path: string, body: object) => Promise<void>
  readonly post: (path: string, body: object) => Promise<void>
  /** Nothing there to delete is no error. */
  readonly remove: (path: string) => Promise<void>
}

/** Parts of a path, each escaped. */
export const apiPath = (...parts: readonly string[]): string =>
  ['/api', ...parts.map((part) => encodeURIComponent(part))].join('/')

/**
 * @param url `http(s)://user:password@host:port`
 * @throws CofferError TRANSPORT_URL_INVALID; from its methods TRANSPORT_ADMIN_FAILED
 */
export function management(url: string): Management {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw new CofferError('TRANSPORT_URL_INVALID', "The URL of RabbitMQ's management API is not valid.", {
      hint: 'Give http(s)://user:password@host:15672 in transport_admin_url.',
    })
  }
  const login = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`

  async function ask(method: string, path: string, body?: object): Promise<unknown> {
    let response: Response
    try {
      response = await fetch(new URL(path, `${base?.protocol}//${base?.host}`), {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(30_000),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (error) {
      throw failed(`${method} ${path}`, error instanceof Error ? error.message : String(error), true, error)
    }
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok) {
      const retryable = response.status >= 500
      throw failed(`${method} ${path}`, `status ${response.status} ${text.slice(0, 200)}`, retryable)
    }
    return text === '' ? null : (JSON.parse(text) as unknown)
  }

  /** What must exist for the request is not there. */
  async function change(method: string, path: string, body: object): Promise<void> {
    if ((await ask(method, path, body)) === undefined) throw failed(`${method} ${path}`, 'status 404', false)
  }

  return {
    get: (path) => ask('GET', path),
    put: (path, body) => change('PUT', path, body),
    post: (path, body) => change('POST', path, body),
    async remove(path) {
      await ask('DELETE', path)
    },
  }
}

function failed(request: string, why: string, retryable: boolean, cause?: unknown): CofferError {
  return new CofferError(
    'TRANSPORT_ADMIN_FAILED',
    `RabbitMQ's management API did not do ${request}: ${why}.`,
    {
      hint: 'See whether the management plug-in runs at transport_admin_url and its user has the tag administrator.',
      retryable,
      cause,
    },
  )
}

/** Whether a password is the one behind a hash of RabbitMQ: base64 of four bytes of salt and SHA-256 of salt and password. */
export function passwordMatches(hash: string, password: string): boolean {
  const stored = Buffer.from(hash, 'base64')
  if (stored.length !== 36) return false
  const digest = createHash('sha256').update(stored.subarray(0, 4)).update(password).digest()
  return timingSafeEqual(digest, stored.subarray(4))
}
