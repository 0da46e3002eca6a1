import type { DatastoreManager } from '../../types.ts'
import type { ManagerHost } from '../host.ts'
import type { MysqlFamily } from '../mysql-family/family.ts'
import { mysqlFamilyManager } from '../mysql-family/manager.ts'

/** Under this much memory, in MiB, the server does without what takes 250 MB for statistics. */
const PERFORMANCE_SCHEMA_FROM = 2048

/** MySQL 9 as element mysql installs it. */
export const MYSQL: MysqlFamily = {
  name: 'mysql',
  optionGroup: 'mysqld',
  socketPath: '/run/mysqld/mysqld.sock',
  dataPath: '/var/lib/mysql',
  configDirectory: '/etc/mysql/mysql.conf.d',
  tlsDirectory: '/etc/mysql/coffer-tls',
  ownAccounts: ['root', 'os_admin', 'debian-sys-maint', 'mysql.sys', 'mysql.session', 'mysql.infoschema'],
  defaults: (memoryMb) => [
    // A second listener, for the document store.
    'loose_mysqlx = OFF',
    ...(memoryMb < PERFORMANCE_SCHEMA_FROM ? ['performance_schema = OFF'] : []),
    // A guest may have no name server, and each first log-in from an address would wait for one.
    'skip_name_resolve = ON',
    'log_bin = binlog',
    'relay_log = relay-bin',
  ],
  fixed: [
    'pid_file = /run/mysqld/mysqld.pid',
    'slow_query_log_file = /var/log/mysql/mysql-slow.log',
    'general_log_file = /var/log/mysql/query.log',
    // The agent has made them, seconds faster.
    'auto_generate_certs = OFF',
    'loose_caching_sha2_password_auto_generate_rsa_keys = OFF',
    'loose_sha256_password_auto_generate_rsa_keys = OFF',
    // Grants are written with escaped wildcards.
    'loose_partial_revokes = OFF',
  ],
  rsaKeys: true,
}

/** The manager of MySQL. */
export const mysqlManager = (host: ManagerHost): DatastoreManager => mysqlFamilyManager(MYSQL, host)
