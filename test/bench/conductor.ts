// The conductor under load: simulated guests that heartbeat at an interval, one core for the control plane's side.
//
//   tools/node test/bench/conductor.ts [--guests 5000] [--interval 10] [--seconds 60]
//
// One process is measured: hub, conductor and the SQLite database, as `coffer up` has them together. Another plays the guests:
// each has a TCP connection of its own to the hub (TLS-PSK, its own credential) and sends real heartbeats by RPC. Where
// taskset is there, the measured process is pinned to core 0 and the guests to the others. Nothing may be lost: every heartbeat
// sent was taken by the conductor, and the database holds the last figure that each guest reported.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../../lib/clock.ts'
import { findProgram } from '../../lib/find-program.ts'
import { removeTree } from '../../lib/tree.ts'
import { benchGuests } from './conductor-guests.ts'
import { type Report, serveConductor } from './conductor-server.ts'

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'bench' },
    guests: { type: 'string', default: '5000' },
    interval: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '60' },
    directory: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
  },
})
const load = {
  guests: Number(values.guests),
  intervalMs: Number(values.interval) * 1000,
  seconds: Number(values.seconds),
}

if (values.role === 'server') await serveConductor(values.directory, load.guests)
else if (values.role === 'guests') await benchGuests(Number(values.port), load)
else await bench()

/** Starts this program again in a role, pinned to cores where that can be done. */
async function child(cores: string, args: readonly string[]): Promise<ChildProcess> {
  const own = [new URL(import.meta.url).pathname, ...args]
  const taskset = await findProgram('taskset')
  const [program = '', ...rest] =
    taskset === undefined ? [process.execPath, ...own] : [taskset, '-c', cores, process.execPath, ...own]
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function bench(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-bench-'))
  const shared = ['--guests', values.guests, '--interval', values.interval, '--seconds', values.seconds]
  const server = await child('0', ['--role', 'server', '--directory', directory, ...shared])
  const answers = lines(server)
  const guests: ChildProcess[] = []
  try {
    const { port } = JSON.parse(await answers()) as { port: number }
    const player = await child('1-255', ['--role', 'guests', '--port', String(port), ...shared])
    guests.push(player)
    const played = lines(player)
    process.stderr.write(`connecting ${load.guests} guests …\n`)
    const { connectSeconds } = JSON.parse(await played()) as { connectSeconds: number }
    await sleep(1000)
    server.stdin?.write('begin\n')
    await answers()
    player.stdin?.write('begin\n')
    process.stderr.write(`heartbeats for ${load.seconds} s …\n`)
    const { sent, slowestMs } = JSON.parse(await played()) as { sent: number; slowestMs: number }
    server.stdin?.write(`end ${sent}\n`)
    const report = JSON.parse(await answers()) as Report
    process.stdout.write(table(report, sent, slowestMs, connectSeconds))
    if (report.received !== sent || report.wrongRows > 0) process.exitCode = 1
  } finally {
    for (const one of [...guests, server]) one.kill()
    await sleep(300)
    await removeTree(directory)
  }
}

function table(report: Report, sent: number, slowestMs: number, connectSeconds: number): string {
  const rows: [string, string][] = [
    ['guests, each on a TLS connection of its own', String(load.guests)],
    ['seconds between heartbeats', String(load.intervalMs / 1000)],
    ['guests connected in', `${connectSeconds.toFixed(1)} s`],
    ['heartbeats sent', String(sent)],
    ['heartbeats taken', String(report.received)],
    ['heartbeats kept', String(report.kept)],
    ['rows that do not hold the last figure', String(report.wrongRows)],
    ['CPU of one core', `${((report.cpuSeconds / report.wallSeconds) * 100).toFixed(1)} %`],
    ['memory (RSS)', `${Math.round(report.rssMiB)} MiB`],
    ['slowest heartbeat until the hub had it', `${Math.round(slowestMs)} ms`],
  ]
  return `| conductor | |\n| --- | ---: |\n${rows.map(([name, value]) => `| ${name} | ${value} |\n`).join('')}`
}

/** The lines of a child's output, one at a time. */
function lines(process: ChildProcess): () => Promise<string> {
  if (process.stdout === null) throw new Error('the child has no output')
  const reader = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await reader.next()
    if (done === true)
      throw new Error(`a process of the benchmark ended early, at ${systemClock.now().toISOString()}`)
    return value
  }
}
