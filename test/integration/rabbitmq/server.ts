import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Environment, run } from '../../../lib/exec.ts'
import { findProgram } from '../../../lib/find-program.ts'
import { removeTree } from '../../../lib/tree.ts'
import { freePorts } from '../../free-ports.ts'

/** Debian's script without the wrapper, which would become another user and use the system's own directories. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'

export interface RabbitServer {
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly adminUrl: string
  /** Certificate authority of the TLS port. */
  readonly caFile: string
  readonly kill: () => Promise<void>
  /** Starts on the directories that are there. Resolves when the management API answers. */
  readonly launch: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * Starts RabbitMQ with a node, directories, ports and a port mapper (epmd) of its own, on the loopback interface only. The
 * user is RabbitMQ's own `guest`, who may log in from here only.
 */
export async function startRabbit(): Promise<RabbitServer> {
  if ((await findProgram(SERVER)) === undefined || (await findProgram('epmd')) === undefined) {
    throw new Error('this test needs the Debian package rabbitmq-server')
  }
  const directory = await mkdtemp(join(tmpdir(), 'coffer-rabbit-'))
  const [port = 0, tlsPort = 0, adminPort = 0, distributionPort = 0, mapperPort = 0] = await freePorts(5)
  const files = { conf: join(directory, 'rabbitmq.conf'), plugins: join(directory, 'enabled_plugins') }
  const tls = await makeCertificates(directory)
  await mkdir(join(directory, 'home'))
  await writeFile(files.plugins, '[rabbitmq_management].\n')
  await writeFile(
    files.conf,
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${tls.ca}`,
      `ssl_options.certfile = ${tls.certificate}`,
      `ssl_options.keyfile = ${tls.key}`,
      'ssl_options.verify = verify_none',
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${adminPort}`,
      'log.console.level = warning',
      '',
    ].join('\n'),
  )
  const env: Environment = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: join(directory, 'home'),
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `coffer-${process.pid}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_BASE: directory,
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: files.conf,
    RABBITMQ_ENABLED_PLUGINS_FILE: files.plugins,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
  const mapping = new AbortController()
  const mapper = run(['epmd', '-port', String(mapperPort), '-address', '127.0.0.1'], {
    env,
    check: false,
    signal: mapping.signal,
  })
  const adminUrl = `http://guest:guest@127.0.0.1:${adminPort}`
  const log: string[] = []
  let ended: Promise<unknown> = Promise.resolve()

  async function launch(): Promise<void> {
    let over = false
    ended = run([SERVER], { env, check: false, onLine: (line) => log.push(line) }).finally(() => {
      over = true
    })
    const deadline = Date.now() + 120_000
    while (!(await answers(adminPort))) {
      if (over || Date.now() > deadline)
        throw new Error(`RabbitMQ did not start: ${log.slice(-20).join('\n')}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async function kill(): Promise<void> {
    const pid = Number((await readFile(join(directory, 'pid'), 'utf8')).trim())
    process.kill(pid, 'SIGKILL')
    await ended
  }

  const server: RabbitServer = {
    host: '127.0.0.1',
    port,
    tlsPort,
    adminUrl,
    caFile: tls.ca,
    kill,
    launch,
    async stop() {
      await kill().catch(() => undefined)
      mapping.abort()
      await mapper
      await removeTree(directory)
    },
  }
  try {
    await launch()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

async function answers(port: number): Promise<boolean> {
  const headers = { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` }
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/health/checks/local-alarms`, { headers })
    return response.ok
  } catch {
    return false
  }
}

/** A certificate authority and a certificate for 127.0.0.1. */
async function makeCertificates(directory: string) {
  const path = (name: string) => join(directory, name)
  const openssl = (...args: string[]) => run(['openssl', ...args])
  await openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=Test authority', '-keyout', path('ca.key'), '-out', path('ca.pem')],
  )
  await openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', path('server.key'), '-out', path('server.csr')],
  )
  await openssl(
    ...['x509', '-req', '-in', path('server.csr'), '-CA', path('ca.pem'), '-CAkey', path('ca.key')],
    ...['-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', path('server.pem')],
  )
  return { ca: path('ca.pem'), certificate: path('server.pem'), key: path('server.key') }
}
