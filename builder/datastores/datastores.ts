import { closest } from '../../lib/closest.ts'
import { CofferError } from '../../lib/errors.ts'

/** What `build-image <datastore>` starts from. Everything here is a default that an option can replace. */
export interface Datastore {
  /** The datastore's name: that of its element, and `NAME` in the guest's /usr/lib/coffer/datastore. */
  readonly name: string
  /** One line for people. */
  readonly description: string
  /** Elements of this datastore; what they depend on comes by itself. */
  readonly elements: readonly string[]
  readonly distribution: 'debian' | 'ubuntu'
  /** The distribution's release that has the engine, or that its vendor has packages for. */
  readonly release: string
  /** Packages the engine comes in: what a datastore version names later. Empty: the vendor's own installer. */
  readonly packages: readonly string[]
  /** TCP port of the client protocol. */
  readonly port: number
  /**
   * Set when no distribution carries the engine. `optional`: the vendor has an apt repository, and
   * DATASTORE_PKG_LOCATION may stand in for it; `required`: without DATASTORE_PKG_LOCATION there is no build.
   */
  readonly vendorPackage?: 'optional' | 'required'
}

const bookworm = { distribution: 'debian', release: 'bookworm' } as const

/** The eleven datastores of the book (chapters 2 and 7), in its order of fame. */
const table = {
  mysql: {
    description: 'MySQL 9',
    elements: ['mysql', 'guest-agent'],
    distribution: 'debian',
    // The only Debian suite with MySQL; the stable ones have MariaDB in its place.
    release: 'sid',
    packages: ['mysql-server'],
    port: 3306,
  },
  mariadb: {
    ...bookworm,
    description: 'MariaDB 10.11 with mariadb-backup',
    elements: ['mariadb', 'guest-agent'],
    packages: ['mariadb-server', 'mariadb-backup'],
    port: 3306,
  },
  percona: {
    ...bookworm,
    description: 'Percona Server for MySQL 8.4 with XtraBackup',
    elements: ['percona'],
    packages: ['percona-server-server', 'percona-server-client', 'percona-xtrabackup-84'],
    port: 3306,
    vendorPackage: 'optional',
  },
  postgresql: {
    ...bookworm,
    description: 'PostgreSQL 15',
    elements: ['postgresql', 'guest-agent'],
    packages: ['postgresql'],
    port: 5432,
  },
  redis: {
    ...bookworm,
    description: 'Redis 7.0',
    elements: ['redis', 'guest-agent'],
    packages: ['redis-server'],
    port: 6379,
  },
  mongodb: {
    ...bookworm,
    description: 'MongoDB Community Server 8.0',
    elements: ['mongodb'],
    packages: ['mongodb-org-server', 'mongodb-org-mongos', 'mongodb-database-tools'],
    port: 27017,
    vendorPackage: 'optional',
  },
  cassandra: {
    ...bookworm,
    description: 'Apache Cassandra 5.0',
    elements: ['cassandra'],
    packages: ['cassandra', 'cassandra-tools'],
    port: 9042,
    vendorPackage: 'optional',
  },
  couchbase: {
    ...bookworm,
    description: 'Couchbase Server Community',
    elements: ['couchbase'],
    packages: ['couchbase-server-community'],
    port: 8091,
    vendorPackage: 'optional',
  },
  couchdb: {
    ...bookworm,
    description: 'Apache CouchDB',
    elements: ['couchdb'],
    packages: ['couchdb'],
    port: 5984,
    vendorPackage: 'optional',
  },
  db2: {
    ...bookworm,
    description: 'IBM Db2, from a package that you have',
    elements: ['db2'],
    packages: [],
    port: 50000,
    vendorPackage: 'required',
  },
  vertica: {
    ...bookworm,
    description: 'Vertica, from a package that you have',
    elements: ['vertica'],
    packages: [],
    port: 5433,
    vendorPackage: 'required',
  },
} as const satisfies Readonly<Record<string, Omit<Datastore, 'name'>>>

export type DatastoreName = keyof typeof table

/** Other names that people type. */
export const datastoreAliases: Readonly<Record<string, DatastoreName>> = { postgres: 'postgresql' }

/** All datastores, by name. */
export const datastores: ReadonlyMap<string, Datastore> = new Map(
  Object.entries<Omit<Datastore, 'name'>>(table).map(([name, facts]) => [name, { name, ...facts }]),
)

/**
 * The datastore of that name or alias; capitals do not matter.
 *
 * @throws CofferError `DATASTORE_UNKNOWN`, with the nearest names as its hint.
 */
export function datastoreNamed(given: string): Datastore {
  const name = given.toLowerCase()
  const found = datastores.get(
    Object.hasOwn(datastoreAliases, name) ? (datastoreAliases[name] ?? name) : name,
  )
  if (found !== undefined) return found
  const near = closest(name, [...datastores.keys(), ...Object.keys(datastoreAliases)])
  throw new CofferError('DATASTORE_UNKNOWN', `There is no datastore '${given}'`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}? build-image --list names them all.`
        : `It is one of ${[...datastores.keys()].join(', ')}.`,
  })
}

/** The datastores as lines for a terminal: name, default release, what it is. */
export function listDatastores(): string {
  return [...datastores.values()]
    .map(
      ({ name, distribution, release, description }) =>
        `  ${name.padEnd(12)}${`${distribution} ${release}`.padEnd(17)}${description}\n`,
    )
    .join('')
}
