import { chown, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { postgresqlManager } from '../../runtime/guestagent/managers/postgresql/index.ts'
import { type ManagerStage, managerContract } from '../contract/manager/suite.ts'
import { freePort } from '../free-ports.ts'
import { childService, stageHost } from './managers-stage.ts'

const versions = await readdir('/usr/lib/postgresql').catch(() => [])
const bin = `/usr/lib/postgresql/${versions.at(-1)}/bin`

/** A PostgreSQL cluster with its own directory, socket and port, run by the account `postgres`. */
async function stage(): Promise<ManagerStage> {
  const directory = await mkdtemp('/tmp/coffer-postgresql.')
  const at = (name: string) => join(directory, name)
  const id = async (flag: string) => Number((await run(['id', flag, 'postgres'])).stdout)
  const [uid, gid] = [await id('-u'), await id('-g')]
  for (const name of ['', 'etc', 'etc/conf.d', 'socket']) {
    if (name !== '') await mkdir(at(name))
    await chown(at(name), uid, gid)
  }
  const asPostgres = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups', '--'] as const
  await run([...asPostgres, `${bin}/initdb`, '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8', '-D', at('data')])
  const port = await freePort()
  await writeFile(at('etc/postgresql.conf'), `fsync = off\ninclude_dir = '${at('etc/conf.d')}'\n`, {
    mode: 0o644,
  })
  const service = childService(
    [`${bin}/postgres`, '-D', at('data'), '-c', `config_file=${at('etc/postgresql.conf')}`],
    { uid, gid, stop: 'SIGINT' },
  )
  const manager = postgresqlManager(stageHost(service), {
    home: directory,
    dataPath: at('data'),
    configDirectory: at('etc'),
    socketDirectory: at('socket'),
    port,
  })
  return {
    manager,
    async login(user, password, database) {
      const client = new pg.Client({
        host: '127.0.0.1',
        port,
        user,
        password,
        ssl: { rejectUnauthorized: false },
        // A user without a database of its own gets no further than the log-in, which is what counts then.
        database: database ?? 'postgres',
      })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.query('SELECT 1')
      } catch (error) {
        const noDatabase = database === undefined && String(error).includes('permission denied for database')
        if (!noDatabase) throw error
      } finally {
        await client.end().catch(() => undefined)
      }
    },
    async stayIn(user, password) {
      const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' })
      client.on('error', () => undefined)
      await client.connect()
      return async () => void (await client.query('SELECT 1'))
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

describe.runIf(versions.length > 0)('with a real PostgreSQL', () => {
  managerContract(
    {
      name: 'postgresql',
      databases: true,
      users: true,
      hosts: false,
      rootName: 'postgres',
      nameAlphabet: 'aZ09_-%`\'"\\;,@?#$ é漢🐘\n\t',
      logEverything: "log_statement = 'all'\nlog_min_duration_statement = 0\nlog_duration = on",
    },
    stage,
  )
})
