/** What a client of the proxy asks for. */
export interface Target {
  /** Absolute and normalised, without credentials and fragment: the name of the file in the store. */
  readonly url: string
  readonly hostname: string
  readonly port: number
}

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
const httpsPath =
  /^(?:\/https|http:\/\/https\.coffer\.invalid)\/([A-Za-z0-9.-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?)(\/.*)$/

/**
 * Reads the target of a GET or HEAD request: an absolute `http://` URI as a proxy's client sends it, or the path form
 * `/https/HOST[:PORT]/PATH`, which stands for `https://HOST[:PORT]/PATH`; `http://https.coffer.invalid/HOST[:PORT]/PATH`
 * does too, for a client that can only be told of hosts (libexec/apt-https-method).
 *
 * @returns undefined for anything else.
 */
export function parseTarget(requestTarget: string): Target | undefined {
  const rewritten = httpsPath.exec(requestTarget)
  const text = rewritten === null ? requestTarget : `https://${rewritten[1]}${rewritten[2]}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'http:' && rewritten === null) return undefined
  url.username = ''
  url.password = ''
  url.hash = ''
  return { url: url.href, hostname: url.hostname, port: portOf(url) }
}

/** Reads the `HOST:PORT` of a CONNECT request. */
export function parseAuthority(
  authority: string,
): { readonly hostname: string; readonly port: number } | undefined {
  if (!/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/.test(authority)) return undefined
  const text = `https://${authority}`
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return { hostname: url.hostname, port: portOf(url) }
}

/** The port a URL names or implies. */
export function portOf(url: URL): number {
  return url.port === '' ? (defaultPorts[url.protocol] ?? 0) : Number(url.port)
}

/**
 * True when a list of hosts lets a request through. `host:port` allows that port, a bare `host` the ports 80 and 443.
 * No list allows every host.
 */
export function hostAllowed(allowed: readonly string[] | undefined, hostname: string, port: number): boolean {
  if (allowed === undefined) return true
  const host = hostname.toLowerCase()
  return allowed.some((item) => {
    const wanted = item.toLowerCase()
    return wanted === `${host}:${port}` || (wanted === host && (port === 80 || port === 443))
  })
}
