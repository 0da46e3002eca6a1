import Type from 'typebox'
import { badRequest, forbidden, notFound } from '../errors.ts'
import { caller, type IdentityApp, type IdentityDeps, isAdmin } from './frame.ts'
import { accessV2, tenantV2 } from './token-documents.ts'

const Text = Type.String({ maxLength: 4096 })
const Maybe = Type.Optional(Type.Union([Text, Type.Null()]))

const AuthBody = Type.Object({
  auth: Type.Object({
    passwordCredentials: Type.Optional(
      Type.Object({ username: Type.Optional(Text), userId: Type.Optional(Text), password: Text }),
    ),
    token: Type.Optional(Type.Object({ id: Text })),
    tenantName: Maybe,
    tenantId: Maybe,
  }),
})

/** `/v2.0`: what the book's sessions and the clients of its time speak. */
export function v2Routes(app: IdentityApp, deps: IdentityDeps): void {
  const { authority, store } = deps

  app.post('/v2.0/tokens', { schema: { body: AuthBody } }, async (request) => {
    const { passwordCredentials: password, token, tenantId, tenantName } = request.body.auth
    if (password === undefined && token === undefined) {
      throw badRequest('Expecting to find passwordCredentials or token in auth.')
    }
    const tenant = tenantId ? { id: tenantId } : tenantName ? { name: tenantName } : undefined
    const live = await authority.login({
      ...(password === undefined
        ? { token: token?.id ?? '' }
        : {
            password: {
              user:
                password.userId === undefined ? { name: password.username ?? '' } : { id: password.userId },
              password: password.password,
            },
          }),
      scope: tenant === undefined ? 'unscoped' : { project: tenant },
      address: request.ip,
    })
    return accessV2(live, deps.endpoints(request.headers.host))
  })

  const subject = (request: Parameters<typeof caller>[1], id: string) => {
    const by = caller(deps, request)
    const live = authority.check(id)
    if (!isAdmin(deps, by) && by.user.id !== live?.user.id) throw forbidden('identity:validate_token')
    if (live === undefined) throw notFound('token', 'the subject token')
    return live
  }
  const Params = Type.Object({ id: Text })
  app.get('/v2.0/tokens/:id', { schema: { params: Params } }, (request) =>
    accessV2(subject(request, request.params.id), deps.endpoints(request.headers.host)),
  )
  app.get('/v2.0/tokens/:id/endpoints', { schema: { params: Params } }, (request) => {
    const { access } = accessV2(subject(request, request.params.id), deps.endpoints(request.headers.host))
    return {
      endpoints: access.serviceCatalog.flatMap(({ endpoints, name, type }) =>
        endpoints.map((endpoint) => ({ ...endpoint, name, type })),
      ),
      endpoints_links: [],
    }
  })
  app.delete('/v2.0/tokens/:id', { schema: { params: Params } }, async (request, reply) => {
    await authority.revoke(subject(request, request.params.id))
    return reply.code(204).send()
  })

  app.get('/v2.0/tenants', (request) => ({
    tenants: store.view().projectsOf(caller(deps, request).user.id).map(tenantV2),
    tenants_links: [],
  }))
}
