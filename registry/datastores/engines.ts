/** What the registry has to know of an engine to register an image of it. */
export interface Engine {
  /** Trove's manager: which guest agent code and which `[section]` of the settings belong to it. */
  readonly manager: string
  /** The package whose version is the engine's; absent when the engine comes without one. */
  readonly package?: RegExp
  /** How many parts of the version name a series that is upgraded as one: `10.11`, but PostgreSQL's `15`. */
  readonly parts: 1 | 2
}

const engine = (manager: string, named: RegExp | undefined, parts: 1 | 2 = 2): Engine =>
  named === undefined ? { manager, parts } : { manager, package: named, parts }

/** The datastores of the book. Debian and the vendors spread one engine over several packages; these name it surely. */
export const ENGINES: Readonly<Record<string, Engine>> = {
  mysql: engine('mysql', /^mysql-(community-)?server(-core)?(-[\d.]+)?$/),
  mariadb: engine('mariadb', /^mariadb-server(-core)?(-[\d.]+)?$/),
  percona: engine('percona', /^percona-server-server(-[\d.]+)?$/),
  postgresql: engine('postgresql', /^postgresql-\d+$/, 1),
  redis: engine('redis', /^redis(-server)?$/),
  mongodb: engine('mongodb', /^mongodb-(org|server)(-server)?(-core)?$/),
  cassandra: engine('cassandra', /^(cassandra|dse-full)$/),
  couchbase: engine('couchbase', /^couchbase-server(-community)?$/),
  couchdb: engine('couchdb', /^couchdb$/),
  vertica: engine('vertica', /^vertica$/),
  db2: engine('db2', undefined),
}

/**
 * The name that a datastore version gets by default: the engine's series.
 *
 * @param packages of the image
 * @returns undefined when no package tells
 */
export function seriesOf(
  { package: named, parts }: Engine,
  packages: readonly { readonly name: string; readonly version: string }[],
): string | undefined {
  if (named === undefined) return undefined
  for (const { name, version } of packages) {
    if (!named.test(name)) continue
    // epoch:upstream-revision (deb-version(7))
    const numbers = /^(?:\d+:)?(\d+)(?:\.(\d+))?/.exec(version)
    if (numbers?.[1] === undefined) continue
    return parts === 1 || numbers[2] === undefined ? numbers[1] : `${numbers[1]}.${numbers[2]}`
  }
  return undefined
}
