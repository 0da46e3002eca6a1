import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify'
import type { Clock } from '../../../lib/clock.ts'
import type { Authority, LiveToken } from '../authority.ts'
import type { Endpoints } from '../catalog.ts'
import { badRequest, forbidden, identityStatus, unauthorized } from '../errors.ts'
import type { IdentityStore } from '../store.ts'

/** What the routes work with. */
export interface IdentityDeps {
  readonly store: IdentityStore
  readonly authority: Authority
  /** Where the services answer, for a client that reached this one under the given `Host`. */
  readonly endpoints: (host: string | undefined) => Endpoints
  /** Names of roles whose holders may administer. */
  readonly adminRoles: readonly string[]
  readonly clock: Clock
  readonly log: { readonly error: (data: object, message: string) => void }
}

export type IdentityApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Requests are small: a login, a name. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds within which a client must have sent its whole request. */
const REQUEST_MS = 30_000

/** An empty server with Keystone's manner of saying what went wrong: `{"error": {"code", "message", "title"}}`. */
export function identityFrame(deps: IdentityDeps): IdentityApp {
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_MS,
    // v2.0 has tokens in paths.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = identityStatus(error) ?? (error.validation ? 400 : error.statusCode) ?? 500
    if (status >= 500) {
      // The route and not the URL: v2.0 has tokens in that.
      deps.log.error({ err: error, route: request.routeOptions.url }, 'An identity request failed')
    }
    if (status === 401) {
      reply.header('WWW-Authenticate', `Keystone uri="${deps.endpoints(request.headers.host).identity}"`)
    }
    const message =
      status >= 500 ? 'An unexpected error prevented the server from fulfilling your request.' : error.message
    return reply.code(status).send(errorBody(status, message))
  })
  app.setNotFoundHandler((_, reply) =>
    reply.code(404).send(errorBody(404, 'The resource could not be found.')),
  )
  app.addHook('onSend', async (_, reply) => {
    reply.header('Vary', 'X-Auth-Token')
  })
  return app
}

const errorBody = (code: number, message: string) => ({
  error: { code, message, title: STATUS_CODES[code] ?? 'Error' },
})

/** The caller's token. @throws CofferError IDENTITY_UNAUTHORIZED without a good one */
export function caller(deps: IdentityDeps, request: FastifyRequest): LiveToken {
  const token = deps.authority.check(header(request, 'x-auth-token') ?? '')
  if (token === undefined) throw unauthorized()
  return token
}

/** Whether a token's roles let it administer. */
export const isAdmin = (deps: IdentityDeps, token: LiveToken): boolean =>
  token.roles.some(({ name }) => deps.adminRoles.includes(name))

/**
 * The caller, who must be an administrator, or one for whom `or` holds.
 *
 * @param action Keystone's name of what is asked for
 * @throws CofferError IDENTITY_UNAUTHORIZED or IDENTITY_FORBIDDEN
 */
export function permit(
  deps: IdentityDeps,
  request: FastifyRequest,
  action: string,
  or: (token: LiveToken) => boolean = () => false,
): LiveToken {
  const token = caller(deps, request)
  if (!isAdmin(deps, token) && !or(token)) throw forbidden(`identity:${action}`)
  return token
}

/** The token that a request is about. @throws CofferError IDENTITY_BAD_REQUEST without one */
export function subjectToken(request: FastifyRequest): string {
  const token = header(request, 'x-subject-token')
  if (token === undefined) throw badRequest('The header X-Subject-Token is missing.')
  return token
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** The URL that a list or an object is found under. */
export const selfLink = (deps: IdentityDeps, request: FastifyRequest, path: string): string =>
  `${deps.endpoints(request.headers.host).identity}/v3${path}`

/** Links of a list; there is always one page. */
export const listLinks = (deps: IdentityDeps, request: FastifyRequest, path: string) => ({
  next: null,
  self: selfLink(deps, request, path),
  previous: null,
})

/** Keystone's filters of lists: `?name=…&enabled=…`; one that we do not know filters nothing. */
export function matchesFilters(
  query: unknown,
  record: { readonly name: string; readonly enabled?: boolean },
): boolean {
  const { name, enabled, domain_id } = query as Record<string, string | undefined>
  if (name !== undefined && name !== record.name) return false
  if (domain_id !== undefined && domain_id !== 'default') return false
  if (enabled === undefined || record.enabled === undefined) return true
  return record.enabled === (enabled === '' || /^(1|true|yes|on)$/i.test(enabled))
}
