// Requests a second and latencies of the API service on one core, with 8 clients and token validation on.
//
//   tools/node test/bench/api.ts [seconds=10]
//
// The server runs in a process of its own, pinned to the last core; the clients take what is left. 500 instances are in the
// database (SQLite, in a file); a list shows a page of 20 of them.
import { mkdtemp } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

const CLIENTS = 8
const seconds = Number(process.argv[2] ?? 10)
const root = new URL('../..', import.meta.url).pathname

interface Listening {
  readonly port: number
  readonly project: string
  readonly token: string
}

/** Starts the server and gives where it listens. */
function start(
  directory: string,
  signal: AbortSignal,
): { listening: Promise<Listening>; ended: Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<Listening>()
  const core = String(availableParallelism() - 1)
  const argv = [
    'taskset',
    '-c',
    core,
    join(root, 'tools/node'),
    join(root, 'test/bench/api-server.ts'),
    directory,
  ] as const
  const ended = run(argv, {
    signal,
    check: false,
    onLine: (line, stream) => {
      if (stream === 'stdout' && line.startsWith('{')) resolve(JSON.parse(line))
      else process.stderr.write(`${line}\n`)
    },
  }).then((result) => reject(new Error(`The server ended with ${result.exitCode}`)), reject)
  return { listening: promise, ended }
}

const directory = await mkdtemp(join(tmpdir(), 'coffer-bench-api-'))
const stop = new AbortController()
const { listening, ended } = start(directory, stop.signal)
try {
  const { port, project, token } = await listening
  const base = `http://127.0.0.1:${port}`
  const headers = { 'x-auth-token': token, 'content-type': 'application/json' }
  const instance = { name: 'bench', flavorRef: '2', volume: { size: 1 } }
  const rows = [
    ['GET instances', 'GET', `/v1.0/${project}/instances`, undefined],
    ['GET datastore versions', 'GET', `/v1.0/${project}/datastores/mysql/versions`, undefined],
    ['GET /', 'GET', '/', undefined],
    ['POST instances', 'POST', `/v1.0/${project}/instances`, JSON.stringify({ instance })],
  ] as const
  process.stdout.write(
    '| request | requests/s | p50 ms | p99 ms | not 2xx |\n| --- | ---: | ---: | ---: | ---: |\n',
  )
  for (const [name, method, path, body] of rows) {
    const target = { url: `${base}${path}`, method, headers, connections: CLIENTS }
    const options = body === undefined ? target : { ...target, body }
    await autocannon({ ...options, duration: 2 })
    const { requests, latency, non2xx } = await autocannon({ ...options, duration: seconds })
    const figures = [Math.round(requests.average), latency.p50, latency.p99, non2xx]
    process.stdout.write(`| ${[name, ...figures].join(' | ')} |\n`)
  }
} finally {
  stop.abort()
  await ended.catch(() => undefined)
  await removeTree(directory)
}
