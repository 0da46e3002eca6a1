import Type from 'typebox'
import type { LiveToken, Login } from '../authority.ts'
import { catalogV3 } from '../catalog.ts'
import { badRequest, forbidden, notFound } from '../errors.ts'
import {
  caller,
  type IdentityApp,
  type IdentityDeps,
  isAdmin,
  listLinks,
  permit,
  subjectToken,
} from './frame.ts'
import { projectV3 } from './projects.ts'
import { tokenV3 } from './token-documents.ts'

const Text = Type.String({ maxLength: 4096 })
const Domain = Type.Object({ id: Type.Optional(Text), name: Type.Optional(Text) })
const Named = { id: Type.Optional(Text), name: Type.Optional(Text), domain: Type.Optional(Domain) }

const AuthBody = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(Text, { maxItems: 8 }),
      password: Type.Optional(Type.Object({ user: Type.Object({ ...Named, password: Text }) })),
      token: Type.Optional(Type.Object({ id: Text })),
    }),
    scope: Type.Optional(
      Type.Union([
        Type.Literal('unscoped'),
        Type.Object({
          project: Type.Optional(Type.Object(Named)),
          domain: Type.Optional(Domain),
          unscoped: Type.Optional(Type.Object({})),
          system: Type.Optional(Type.Object({})),
        }),
      ]),
    ),
  }),
})

type Auth = Type.Static<typeof AuthBody>['auth']

/** `/v3/auth`: getting, checking and giving back tokens. */
export function authRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const { authority } = deps

  app.post('/v3/auth/tokens', { schema: { body: AuthBody } }, async (request, reply) => {
    const live = await authority.login(loginOf(request.body.auth, request.ip))
    const body = tokenV3(
      live,
      deps.endpoints(request.headers.host),
      !('nocatalog' in (request.query as object)),
    )
    return reply.code(201).header('X-Subject-Token', live.token).send(body)
  })

  /** The token that the request is about, for its own user or an administrator. */
  const subject = (request: Parameters<typeof caller>[1], action: string): LiveToken => {
    const token = subjectToken(request)
    const live = authority.check(token)
    const by = caller(deps, request)
    if (!isAdmin(deps, by) && by.user.id !== live?.user.id) throw forbidden(`identity:${action}`)
    if (live === undefined) throw notFound('token', 'the subject token')
    return live
  }

  app.get('/v3/auth/tokens', (request, reply) => {
    const live = subject(request, 'validate_token')
    const body = tokenV3(
      live,
      deps.endpoints(request.headers.host),
      !('nocatalog' in (request.query as object)),
    )
    return reply.header('X-Subject-Token', live.token).send(body)
  })
  app.delete('/v3/auth/tokens', async (request, reply) => {
    await authority.revoke(subject(request, 'revoke_token'))
    return reply.code(204).send()
  })

  app.get('/v3/auth/catalog', (request) => {
    const { project } = caller(deps, request)
    if (project === undefined) throw forbidden('identity:get_auth_catalog')
    return {
      catalog: catalogV3(deps.endpoints(request.headers.host), project.id),
      links: listLinks(deps, request, '/auth/catalog'),
    }
  })
  app.get('/v3/auth/projects', (request) => {
    const { user } = caller(deps, request)
    return {
      projects: deps.store
        .view()
        .projectsOf(user.id)
        .map((project) => projectV3(deps, request, project)),
      links: listLinks(deps, request, '/auth/projects'),
    }
  })
  app.get('/v3/auth/domains', (request) => {
    permit(deps, request, 'get_auth_domains', () => true)
    return { domains: [], links: listLinks(deps, request, '/auth/domains') }
  })
}

function loginOf({ identity, scope }: Auth, address: string): Login {
  const unknown = identity.methods.find((method) => method !== 'password' && method !== 'token')
  if (unknown !== undefined)
    throw badRequest(`Attempted to authenticate with an unsupported method: ${unknown}.`)
  const named = (method: string) => identity.methods.includes(method)
  if (named('password') && identity.password === undefined)
    throw badRequest("'password' is a required property")
  if (named('token') && identity.token === undefined) throw badRequest("'token' is a required property")
  const user = named('password') ? identity.password?.user : undefined
  const token = named('token') ? identity.token?.id : undefined
  return {
    ...(user === undefined ? {} : { password: { user, password: user.password } }),
    ...(token === undefined ? {} : { token }),
    scope: scopeOf(scope),
    address,
  }
}

function scopeOf(scope: Auth['scope']): Login['scope'] {
  if (scope === undefined) return 'default'
  if (scope === 'unscoped' || scope.unscoped !== undefined) return 'unscoped'
  if (scope.project !== undefined) return { project: scope.project }
  throw badRequest(
    'Tokens are given for a project or for none: this service has one domain and no system scope.',
  )
}
