import type { Json, JsonObject } from '../commands/types.ts'
import { endpointUrl, type Wanted } from './catalog.ts'
import { answerOf, faultOf } from './faults.ts'
import { authenticate } from './identity.ts'
import type { Access, Credentials, Http, Service } from './types.ts'

/** Where the database service is and who asks. */
export interface SessionOptions {
  readonly credentials: Credentials
  readonly wanted: Wanted
  /** The service itself, instead of the catalog's. */
  readonly bypassUrl: string | undefined
}

/**
 * A session with Trove's API. It authenticates at the first request, and once more when a token has expired on the way; the token
 * stays in memory.
 *
 * Requests throw `SERVICE_FAULT` ({@link ServiceFault}) for a status that is no success, `ANSWER_UNREADABLE` for what is not JSON.
 */
export function openSession(http: Http, options: SessionOptions): Service {
  const { credentials, wanted, bypassUrl } = options
  let access: Access | undefined

  const authenticated = async (): Promise<Access> => {
    // A given token and a given URL leave nothing to ask the identity service for.
    access ??=
      credentials.token !== undefined && bypassUrl !== undefined
        ? { token: credentials.token, projectId: credentials.project.id, endpoints: [] }
        : await authenticate(http, credentials)
    return access
  }

  const call = async (method: string, path: string, body?: Json): Promise<JsonObject> => {
    for (let renewed = false; ; renewed = true) {
      const current = await authenticated()
      const base =
        bypassUrl === undefined ? endpointUrl(current, wanted) : bypassed(bypassUrl, current.projectId)
      const reply = await http({
        method,
        url: `${base}${path}`,
        headers: { 'X-Auth-Token': current.token },
        ...(body === undefined ? {} : { body }),
      })
      if (reply.status === 401 && !renewed && credentials.password !== undefined) {
        access = undefined
        continue
      }
      if (reply.status >= 300) throw faultOf(reply)
      return answerOf(reply, base)
    }
  }

  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    remove: async (path) => {
      await call('DELETE', path)
    },
  }
}

/** A URL without the version and the project gets them. */
function bypassed(url: string, projectId: string | undefined): string {
  const base = url.replace(/\/+$/, '')
  if (/\/v1\.0\/[^/]+$/.test(base) || projectId === undefined) return base
  return /\/v1\.0$/.test(base) ? `${base}/${projectId}` : `${base}/v1.0/${projectId}`
}
