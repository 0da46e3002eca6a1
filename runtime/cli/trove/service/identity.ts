import { CofferError } from '../../../../lib/errors.ts'
import type { Json, JsonObject } from '../commands/types.ts'
import { child, objects, text } from '../output/fields.ts'
import { faultOf, jsonOf } from './faults.ts'
import type { Access, Credentials, Domain, Endpoint, Http } from './types.ts'

/**
 * Authenticates with the identity service, v3 or v2.0: as the URL says, else the newest that the service offers (contract §2.1).
 *
 * @throws CofferError `SERVICE_FAULT` with the service's own message, for example a wrong password
 */
export async function authenticate(http: Http, credentials: Credentials): Promise<Access> {
  const url = credentials.authUrl.replace(/\/+$/, '')
  if (/\/v3$/.test(url)) return authenticateV3(http, url, credentials)
  if (/\/v2\.0$/.test(url)) return authenticateV2(http, url, credentials)
  const offered = jsonOf(await http({ method: 'GET', url: `${url}/` }))
  const ids = objects(child(offered, 'versions').values).map((version) => text(version.id) ?? '')
  const onlyOld = ids.length > 0 && !ids.some((id) => id.startsWith('v3'))
  return onlyOld
    ? authenticateV2(http, `${url}/v2.0`, credentials)
    : authenticateV3(http, `${url}/v3`, credentials)
}

async function authenticateV3(http: Http, url: string, credentials: Credentials): Promise<Access> {
  const { user, project, password, token } = credentials
  const identity: Json =
    token === undefined
      ? { methods: ['password'], password: { user: { ...named(user), password: password ?? '' } } }
      : { methods: ['token'], token: { id: token } }
  const reply = await http({
    method: 'POST',
    url: `${url}/auth/tokens`,
    body: { auth: { identity, scope: { project: named(project) } } },
  })
  if (reply.status >= 400) throw faultOf(reply)
  const granted = child(jsonOf(reply), 'token')
  const id = reply.headers['x-subject-token']
  if (typeof id !== 'string') throw noToken(url)
  return { token: id, projectId: text(child(granted, 'project').id), endpoints: catalogV3(granted) }
}

async function authenticateV2(http: Http, url: string, credentials: Credentials): Promise<Access> {
  const { user, project, password, token } = credentials
  const tenant: JsonObject =
    project.id === undefined ? { tenantName: project.name ?? '' } : { tenantId: project.id }
  const who: JsonObject =
    token === undefined
      ? { passwordCredentials: { username: user.name ?? user.id ?? '', password: password ?? '' } }
      : { token: { id: token } }
  const reply = await http({ method: 'POST', url: `${url}/tokens`, body: { auth: { ...tenant, ...who } } })
  if (reply.status >= 400) throw faultOf(reply)
  const access = child(jsonOf(reply), 'access')
  const granted = child(access, 'token')
  const id = text(granted.id)
  if (id === undefined) throw noToken(url)
  return { token: id, projectId: text(child(granted, 'tenant').id), endpoints: catalogV2(access) }
}

/** An object by its id, which is enough, or by its name and domain. */
function named(object: {
  readonly id?: string
  readonly name?: string
  readonly domain: Domain
}): JsonObject {
  return object.id === undefined ? { name: object.name ?? '', domain: object.domain } : { id: object.id }
}

function catalogV3(token: JsonObject): Endpoint[] {
  return objects(token.catalog).flatMap((service) =>
    objects(service.endpoints).map((endpoint) => ({
      type: text(service.type) ?? '',
      name: text(service.name) ?? '',
      region: text(endpoint.region_id) ?? text(endpoint.region),
      interface: text(endpoint.interface) ?? '',
      url: text(endpoint.url) ?? '',
    })),
  )
}

function catalogV2(access: JsonObject): Endpoint[] {
  return objects(access.serviceCatalog).flatMap((service) =>
    objects(service.endpoints).flatMap((endpoint) =>
      ['public', 'internal', 'admin'].flatMap((kind) => {
        const url = text(endpoint[`${kind}URL`])
        const shared = { type: text(service.type) ?? '', name: text(service.name) ?? '' }
        return url === undefined ? [] : [{ ...shared, region: text(endpoint.region), interface: kind, url }]
      }),
    ),
  )
}

function noToken(url: string): CofferError {
  return new CofferError('NOT_AN_IDENTITY_SERVICE', `${url} gave no token: it is not an identity service`, {
    hint: 'check OS_AUTH_URL',
  })
}
