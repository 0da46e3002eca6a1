import { chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { describe } from 'vitest'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { removeTree } from '../../lib/tree.ts'
import { MARIADB } from '../../runtime/guestagent/managers/mariadb/index.ts'
import { mysqlFamilyManager } from '../../runtime/guestagent/managers/mysql-family/manager.ts'
import { type ManagerStage, managerContract } from '../contract/manager/suite.ts'
import { freePort } from '../free-ports.ts'
import { childService, stageHost } from './managers-stage.ts'

const installed = (await findProgram('mariadbd', '/usr/sbin')) !== undefined

/** A MariaDB server with its own data directory, socket and port, run by the account `mysql`. */
async function stage(): Promise<ManagerStage> {
  const directory = await mkdtemp('/tmp/coffer-mariadb.')
  const at = (name: string) => join(directory, name)
  const id = async (flag: string) => Number((await run(['id', flag, 'mysql'])).stdout)
  const [uid, gid] = [await id('-u'), await id('-g')]
  await mkdir(at('conf.d'))
  await chown(directory, uid, gid)
  // Left open as old installations were, so that something is to be secured.
  await run([
    'mariadb-install-db',
    '--no-defaults',
    '--user=mysql',
    `--datadir=${at('data')}`,
    '--auth-root-authentication-method=socket',
  ])
  const port = await freePort()
  await writeFile(
    at('my.cnf'),
    `[mariadbd]\nuser=mysql\nport=${port}\nskip_log_bin\ninnodb_buffer_pool_size=16M\ninnodb_flush_log_at_trx_commit=0\n!includedir ${at('conf.d')}\n`,
  )
  const service = childService(['/usr/sbin/mariadbd', `--defaults-file=${at('my.cnf')}`])
  const manager = mysqlFamilyManager(
    {
      ...MARIADB,
      socketPath: at('mysqld.sock'),
      dataPath: at('data'),
      configDirectory: at('conf.d'),
      tlsDirectory: at('tls'),
      fixed: [`pid_file = ${at('pid')}`],
    },
    stageHost(service),
  )
  return {
    manager,
    async login(user, password, database) {
      const connection = await createConnection({
        host: '127.0.0.1',
        port,
        user,
        password,
        ...(database === undefined ? {} : { database }),
        ssl: { rejectUnauthorized: false },
      })
      await connection.query('SELECT 1').finally(() => connection.destroy())
    },
    async stayIn(user, password) {
      const connection = await createConnection({ host: '127.0.0.1', port, user, password })
      connection.on('error', () => undefined)
      return async () => void (await connection.query('SELECT 1'))
    },
    holds: async (text) =>
      service.output().includes(text) ||
      (await run(['grep', '-rqsF', '-e', text, '--', directory], { check: false })).exitCode === 0,
    pid: async () => (await service.state()).mainPid,
    async close() {
      await service.stop()
      await removeTree(directory)
    },
  }
}

describe.runIf(installed)('with a real MariaDB', () => {
  managerContract(
    {
      name: 'mariadb',
      databases: true,
      users: true,
      hosts: true,
      rootName: 'root',
      nameAlphabet: 'aZ09_-%`\'"\\;,@?# é漢\n\t',
      logEverything: '[mariadbd]\ngeneral_log = ON\nslow_query_log = ON\nlong_query_time = 0\n',
    },
    stage,
  )
})
