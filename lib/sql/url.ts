import { CofferError } from '../errors.ts'

/** Where a database is. */
export type SqlTarget =
  | { readonly engine: 'sqlite'; readonly path: string }
  | {
      readonly engine: 'mysql'
      readonly host: string
      readonly port: number
      readonly user: string
      readonly password: string
      readonly database: string
      /** Path of a socket, in place of host and port (`?unix_socket=`). */
      readonly socket: string | undefined
      /** PEM file of the authority that must have signed the server's certificate (`?ssl_ca=`). */
      readonly authority: string | undefined
    }

/** SQLite's own name for a database that no file keeps. */
export const MEMORY = ':memory:'

const SQLITE = /^sqlite(?:\+\w+)?:\/\/(?:\/(.*))?$/s
// A password may hold anything, also an @ that nobody encoded: the last one ends it.
const MYSQL =
  /^(?:mysql|mariadb)(?:\+\w+)?:\/\/(?:([^:@/]*)(?::(.*))?@)?(\[[^\]]+\]|[^:/?@]*)(?::(\d+))?\/([^/?]+)(?:\?(.*))?$/s

/**
 * Reads a database URL, in SQLAlchemy's spellings too (`mysql+pymysql://…?charset=utf8`), since trove.conf has those.
 *
 * `sqlite:///var/x` and SQLAlchemy's `sqlite:////var/x` both mean /var/x; `sqlite://` is a database in memory. A driver's name
 * and `charset` have no meaning here.
 *
 * @throws CofferError DATABASE_URL_INVALID; the message shows no password
 */
export function parseSqlUrl(url: string): SqlTarget {
  const file = SQLITE.exec(url)
  if (file !== null) {
    const path = file[1] ?? ''
    if (path === '' || path === MEMORY) return { engine: 'sqlite', path: MEMORY }
    return { engine: 'sqlite', path: `/${path.replace(/^\/+/, '')}` }
  }
  const server = MYSQL.exec(url)
  if (server === null) {
    throw new CofferError('DATABASE_URL_INVALID', `${withoutPassword(url)} is no URL of a database`, {
      hint: 'Use sqlite:///path/to/file or mysql://user:password@host:port/name.',
    })
  }
  const [, user = '', password = '', host = '', port = '3306', database = '', query = ''] = server
  const options = new URLSearchParams(query)
  return {
    engine: 'mysql',
    host: host.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: Number(port),
    user: decoded(user),
    password: decoded(password),
    database: decoded(database),
    socket: options.get('unix_socket') ?? undefined,
    authority: options.get('ssl_ca') ?? undefined,
  }
}

/** A URL as people may see it. */
export function withoutPassword(url: string): string {
  return url.replace(/^([\w+]+:\/\/[^:/@]*):.*@/s, '$1:***@')
}

/** A lone `%` is one that nobody encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
