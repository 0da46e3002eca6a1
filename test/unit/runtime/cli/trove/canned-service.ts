// An HTTP server that speaks the identity service's and Trove's JSON (Trove contract §1 and §2.1) from a table of replies, and
// keeps what it was asked. It stands in for the services in tests of the command line alone; the services have tests of their own.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the server saw it. `path` starts behind `/v1.0/<project>` for the database service. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly token: string | undefined
  readonly service: 'identity' | 'database'
}

/** What the server answers: a status with a JSON body, or without one. */
export interface Reply {
  readonly status?: number
  readonly body?: unknown
}

/** `'GET /instances'` to its reply; a function sees the request and the number of times this route was asked before. */
export type Routes = Readonly<Record<string, Reply | ((request: SeenRequest, times: number) => Reply)>>

/** A running service. */
export interface CannedService {
  readonly url: string
  readonly seen: SeenRequest[]
  /** Requests to the database service alone, as `METHOD /path`. */
  calls(): string[]
  /** The last request of this method and path. */
  last(call: string): SeenRequest | undefined
  stop(): Promise<void>
}

export const PROJECT = '979bd3efad6f42448ffa55185a122f3b'
export const PASSWORD = '882f520bd67212bf9670'

/** Starts the service on a free port of the loopback interface. */
export async function startCannedService(routes: Routes): Promise<CannedService> {
  const seen: SeenRequest[] = []
  const times = new Map<string, number>()
  let issued = 0
  let base = ''

  const identity = (request: SeenRequest): (Reply & { headers?: Record<string, string> }) | undefined => {
    const version = (id: string) => ({
      id,
      status: 'stable',
      links: [{ rel: 'self', href: `${base}/${id.slice(0, 2) === 'v3' ? 'v3' : 'v2.0'}/` }],
    })
    switch (`${request.method} ${request.path.replace(/\/$/, '')}`) {
      case 'GET ':
        return { status: 300, body: { versions: { values: [version('v3.14'), version('v2.0')] } } }
      case 'GET /v3':
        return { body: { version: version('v3.14') } }
      case 'GET /v2.0':
        return { body: { version: version('v2.0') } }
      case 'POST /v3/auth/tokens': {
        if (!JSON.stringify(request.body).includes(PASSWORD)) return refused
        return {
          status: 201,
          headers: { 'x-subject-token': `token-${++issued}` },
          body: {
            token: {
              project: { id: PROJECT, name: 'admin' },
              expires_at: '2099-01-01T00:00:00Z',
              issued_at: '2026-01-01T00:00:00Z',
              methods: ['password'],
              roles: [],
              user: { id: 'u', name: 'admin', domain: { id: 'default', name: 'Default' } },
              catalog: [
                {
                  type: 'database',
                  name: 'trove',
                  id: 'c',
                  endpoints: [endpoint('RegionOne'), endpoint('Elsewhere')],
                },
              ],
            },
          },
        }
      }
      case 'POST /v2.0/tokens': {
        if (!JSON.stringify(request.body).includes(PASSWORD)) return refused
        const url = `${base}/v1.0/${PROJECT}`
        return {
          body: {
            access: {
              token: {
                id: `token-${++issued}`,
                expires: '2099-01-01T00:00:00Z',
                tenant: { id: PROJECT, name: 'admin' },
              },
              user: { id: 'u', name: 'admin', roles: [] },
              serviceCatalog: [
                {
                  type: 'database',
                  name: 'trove',
                  endpoints: [{ region: 'RegionOne', publicURL: url, internalURL: url, adminURL: url }],
                },
              ],
            },
          },
        }
      }
      default:
        return undefined
    }
  }
  const endpoint = (region: string) => ({
    id: region,
    interface: 'public',
    region,
    region_id: region,
    url: `${base}${region === 'RegionOne' ? '' : '/elsewhere'}/v1.0/${PROJECT}`,
  })
  const refused = {
    status: 401,
    body: {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    },
  }

  const database = (request: SeenRequest): Reply => {
    const issuedAs = Number(request.token?.replace('token-', '') ?? 'NaN')
    if (!(issuedAs > 0))
      return { status: 401, body: { unauthorized: { code: 401, message: 'Authentication required' } } }
    const call = `${request.method} ${request.path}`
    const route = routes[call] ?? routes[`${request.method} ${request.path.split('?')[0]}`]
    if (route === undefined)
      return {
        status: 404,
        body: { itemNotFound: { code: 404, message: 'The resource could not be found.' } },
      }
    const before = times.get(call) ?? 0
    times.set(call, before + 1)
    return typeof route === 'function' ? route(request, before) : route
  }

  const server = createServer(async (incoming, outgoing) => {
    const whole = await requestOf(incoming)
    const prefix = `/v1.0/${PROJECT}`
    const forDatabase = whole.path.startsWith(prefix)
    const request: SeenRequest = forDatabase
      ? { ...whole, path: whole.path.slice(prefix.length), service: 'database' }
      : whole
    seen.push(request)
    const reply = forDatabase ? database(request) : (identity(request) ?? { status: 404 })
    const headers = 'headers' in reply ? (reply.headers as Record<string, string>) : {}
    outgoing.writeHead(reply.status ?? 200, {
      ...headers,
      ...(reply.body === undefined ? {} : { 'content-type': 'application/json' }),
    })
    outgoing.end(reply.body === undefined ? undefined : JSON.stringify(reply.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: base,
    seen,
    calls: () =>
      seen.filter((request) => request.service === 'database').map(({ method, path }) => `${method} ${path}`),
    last: (call) => seen.findLast(({ method, path }) => `${method} ${path}` === call),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function requestOf(incoming: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const token = incoming.headers['x-auth-token']
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    body: text === '' ? undefined : JSON.parse(text),
    token: typeof token === 'string' ? token : undefined,
    service: 'identity',
  }
}
