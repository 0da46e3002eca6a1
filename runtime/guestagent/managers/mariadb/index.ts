import type { DatastoreManager } from '../../types.ts'
import type { ManagerHost } from '../host.ts'
import type { MysqlFamily } from '../mysql-family/family.ts'
import { mysqlFamilyManager } from '../mysql-family/manager.ts'

/** MariaDB as element mariadb installs it. */
export const MARIADB: MysqlFamily = {
  name: 'mariadb',
  optionGroup: 'mariadbd',
  socketPath: '/run/mysqld/mysqld.sock',
  dataPath: '/var/lib/mysql',
  configDirectory: '/etc/mysql/mariadb.conf.d',
  tlsDirectory: '/etc/mysql/coffer-tls',
  ownAccounts: ['root', 'os_admin', 'mysql', 'mariadb.sys', 'public'],
  // A guest may have no name server, and each first log-in from an address would wait for one.
  defaults: () => ['skip_name_resolve = ON', 'log_basename = mariadb'],
  fixed: [
    'pid_file = /run/mysqld/mysqld.pid',
    'slow_query_log_file = /var/log/mysql/mariadb-slow.log',
    'general_log_file = /var/log/mysql/mariadb.log',
  ],
  rsaKeys: false,
}

/** The manager of MariaDB. */
export const mariadbManager = (host: ManagerHost): DatastoreManager => mysqlFamilyManager(MARIADB, host)
