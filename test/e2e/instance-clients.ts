import { run } from '../../lib/exec.ts'

/** Whom a client connects as, and where. */
export interface Login {
  readonly host: string
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface Answer {
  readonly exitCode: number
  /** Rows, cells divided by tabs, without titles. */
  readonly rows: readonly string[]
  readonly stderr: string
}

export type SqlClient = (login: Login, sql: string) => Promise<Answer>

const ENV = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8' }

/** Debian's mariadb-client under its old name, as the book calls it; over TLS or not at all. */
export const mysql: SqlClient = async ({ host, user, password, database }, sql) =>
  answer(
    ['mysql', '--no-defaults', '--ssl', '--batch', '--skip-column-names', '--raw', `--host=${host}`].concat(
      [`--user=${user}`, `--password=${password}`, `--execute=${sql}`],
      database === '' ? [] : ['--', database],
    ),
    {},
  )

/** Debian's postgresql-client; over TLS or not at all. */
export const psql: SqlClient = async ({ host, user, password, database }, sql) => {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`
  const place = `host=${host} user=${quoted(user)} dbname=${quoted(database === '' ? 'postgres' : database)} sslmode=require`
  const shape = [
    '--no-psqlrc',
    '--no-align',
    '--tuples-only',
    '--field-separator=\t',
    '--no-password',
    '--quiet',
  ]
  return answer(['psql', ...shape, `--dbname=${place}`, `--command=${sql}`], { PGPASSWORD: password })
}

/** Debian's redis-tools. */
export const redis = async (host: string, password: string, ...command: string[]): Promise<Answer> =>
  answer(['redis-cli', '-h', host, ...command], password === '' ? {} : { REDISCLI_AUTH: password })

async function answer(argv: readonly string[], more: Readonly<Record<string, string>>): Promise<Answer> {
  const [program = '', ...args] = argv
  const { exitCode, stdout, stderr } = await run([program, ...args], {
    check: false,
    env: { ...ENV, ...more },
    timeoutMs: 30_000,
  })
  return { exitCode, rows: stdout.split('\n').slice(0, -1), stderr }
}
