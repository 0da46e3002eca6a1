import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { run } from '../../lib/exec.ts'
import { freePort } from '../free-ports.ts'

/** A MariaDB of a test's own: own data directory, socket and port, one account, nothing kept. */
export interface MariadbServer {
  /** URL of a new, empty database. */
  readonly emptyUrl: () => Promise<string>
  /** Removes all rows but the journals of migrations: quicker than another database. */
  readonly clear: (url: string) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Needs Debian's mariadb-server. Ready for connections when it resolves. */
export async function startMariadb(): Promise<MariadbServer> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-mariadb-'))
  const data = join(directory, 'data')
  const socket = join(directory, 'socket')
  const port = await freePort()
  const password = randomBytes(12).toString('hex')
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  await run([
    'mariadb-install-db',
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...asRoot,
  ])
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--pid-file=${join(directory, 'pid')}`,
      // Nothing of this outlives the test; a power failure may take it.
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=64M',
      ...asRoot,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const stop = async () => {
    await ended(server)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const admin = await connected(server, socket, () => log)
    await admin.query('create user coffer@localhost identified by ?', [password])
    await admin.query('grant all on `coffer_%`.* to coffer@localhost')
    let count = 0
    return {
      emptyUrl: async () => {
        const name = `coffer_${++count}`
        // The server's own default must not matter to us.
        await admin.query(`create database ${name} character set latin1`)
        return `mysql+pymysql://coffer:${password}@127.0.0.1:${port}/${name}?charset=utf8`
      },
      clear: async (url) => {
        const name = new URL(url).pathname.slice(1)
        const [tables] = await admin.query<RowDataPacket[]>(
          'select table_name as name from information_schema.tables where table_schema = ? and table_name not like ?',
          [name, '%\\_migrations%'],
        )
        await admin.query('set foreign_key_checks = 0')
        for (const table of tables) await admin.query('delete from ??.??', [name, table.name])
      },
      stop: async () => {
        await admin.end()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function connected(server: ChildProcess, socketPath: string, log: () => string) {
  for (const deadline = Date.now() + 60_000; ; ) {
    try {
      return await createConnection({ socketPath, user: 'root' })
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) {
        throw new Error(`MariaDB does not answer:\n${log()}`, { cause: error })
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  await gone
}
