import { BlockList, isIP } from 'node:net'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { portOf } from './target.ts'

/** The proxies between this machine and the mirrors, as `http_proxy` and its relatives name them. */
export interface UpstreamProxy {
  readonly http?: string
  readonly https?: string
  /** Hosts that are reached directly: names, `.suffix`, `host:port`, addresses, CIDR blocks, or `*`; commas or spaces between. */
  readonly no?: string
}

/** Reads the proxies from an environment, as curl and apt do: lower case first. */
export function upstreamProxyFrom(env: Environment): UpstreamProxy {
  const http = env.http_proxy || env.HTTP_PROXY
  const https = env.https_proxy || env.HTTPS_PROXY
  const no = env.no_proxy || env.NO_PROXY
  return {
    ...(http ? { http: withScheme(http) } : {}),
    ...(https ? { https: withScheme(https) } : {}),
    ...(no ? { no } : {}),
  }
}

/**
 * The proxy that a request has to go through; undefined for a direct connection.
 *
 * @throws CofferError `PROXY_NOT_SUPPORTED` for anything but an `http://` or `https://` proxy.
 */
export function proxyFor(url: URL, proxies: UpstreamProxy): URL | undefined {
  const text = url.protocol === 'https:' ? proxies.https : proxies.http
  if (text === undefined || text === '' || bypasses(url, proxies.no ?? '')) return undefined
  const proxy = URL.canParse(text) ? new URL(text) : undefined
  if (proxy?.protocol !== 'http:' && proxy?.protocol !== 'https:') {
    throw new CofferError('PROXY_NOT_SUPPORTED', 'The proxy in the environment is not an http or https URL', {
      hint: 'Set http_proxy and https_proxy to http://HOST:PORT, or unset them.',
    })
  }
  return proxy
}

function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

function bypasses(url: URL, no: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return no
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((item) => item !== '')
    .some((item) => {
      if (item === '*') return true
      if (item.includes('/')) return inBlock(host, item)
      const port = /^(.*[^:]):(\d+)$/.exec(item)
      const [name, wantedPort] =
        port === null || isIP(item) === 6 ? [item, undefined] : [port[1] ?? '', Number(port[2])]
      if (wantedPort !== undefined && wantedPort !== portOf(url)) return false
      const suffix = name.replace(/^\*?\./, '').replace(/^\[|\]$/g, '')
      return host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`))
    })
}

function inBlock(host: string, block: string): boolean {
  const [network = '', prefix = ''] = block.split('/')
  const family = isIP(host)
  const bits = Number(prefix)
  if (family === 0 || family !== isIP(network) || !(bits >= 0 && bits <= (family === 4 ? 32 : 128)))
    return false
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(network, bits, type)
  return list.check(host, type)
}
