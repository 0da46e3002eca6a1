import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** A mirror on loopback that a test scripts. */
export interface Origin {
  /** `host:port` */
  readonly host: string
  readonly url: string
  /** `METHOD path` of every request, in order. */
  readonly requests: string[]
  readonly seen: IncomingHttpHeaders[]
  readonly close: () => Promise<void>
}

/** Starts a mirror. */
export async function startOrigin(
  handler: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Origin> {
  const requests: string[] = []
  const seen: IncomingHttpHeaders[] = []
  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`)
    seen.push(incoming.headers)
    handler(incoming, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    requests,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What a client of the proxy got. */
export interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

/** Sends one request through a proxy, as apt does: the whole address in the request line. Rejects when the body is cut. */
export function through(
  proxy: string,
  url: string,
  options: {
    readonly method?: string
    readonly headers?: Record<string, string>
    readonly path?: string
  } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(proxy)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        path: options.path ?? url,
        method: options.method ?? 'GET',
        headers: { host: new URL(url).host, ...options.headers },
        agent: false,
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const body = Buffer.concat(chunks)
          resolve({
            status: answer.statusCode ?? 0,
            reason: answer.statusMessage ?? '',
            headers: answer.headers,
            body,
            text: body.toString(),
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}
