// From `trove create` to the first query that the database accepts, beside a bare boot of the same image.
// tools/node test/bench/create.ts [mysql|mariadb] [rounds] [image.qcow2]
// Nothing else should run: two cores' worth of emulation is measured.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import { bootCheck } from '../../builder/bootcheck/boot-check.ts'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { openRegistryDatabase } from '../../registry/db/index.ts'
import { openImageStore } from '../../registry/images/store.ts'
import { registerImage } from '../../registry/register.ts'
import { markdownTable } from '../../tools/markdown.ts'
import { freePort } from '../free-ports.ts'

const root = new URL('../..', import.meta.url).pathname
const [datastore = 'mysql', rounds = '3', given] = process.argv.slice(2)
const home = await mkdtemp(join(tmpdir(), 'coffer-bench-create.'))
const env = { PATH: process.env.PATH, HOME: home, COFFER_STATE_DIR: join(home, 'state') }
const say = (text: string) => process.stdout.write(`${text}\n`)
const seconds = (from: number) => (performance.now() - from) / 1000
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

async function image(): Promise<string> {
  if (given !== undefined) return given
  await run([`${root}builder/bin/build-image`, datastore, '-o', join(home, datastore)], { cwd: home })
  return join(home, `${datastore}.qcow2`)
}

async function register(file: string): Promise<void> {
  const database = await openRegistryDatabase(`sqlite://${env.COFFER_STATE_DIR}/trove.sqlite`)
  const store = openImageStore(join(env.COFFER_STATE_DIR, 'images'))
  const registration = { file, datastore, versionName: 'bench', packages: [], content: {} }
  await registerImage({ store, database }, registration)
  await database.close()
}

async function trove(...words: string[]): Promise<string> {
  const openrc = join(env.COFFER_STATE_DIR, 'openrc')
  const argv = ['sh', '-c', '. "$0" && exec "$@"', openrc, `${root}runtime/bin/trove`, ...words] as const
  return (await run(argv, { env })).stdout
}

/** Polls as an impatient client would: the first moment at which a new account gets an answer. */
async function firstQuery(host: string): Promise<void> {
  for (;;) {
    try {
      const connection = await createConnection({
        host,
        user: 'bench',
        password: 'secret12',
        connectTimeout: 2000,
      })
      await connection.query('SELECT 1')
      await connection.end()
      return
    } catch {
      await systemClock.sleep(100)
    }
  }
}

async function create(name: string): Promise<{ total: number; steps: ReadonlyMap<string, number> }> {
  const from = performance.now()
  await trove(
    'create',
    name,
    '2',
    '--size',
    '1',
    '--datastore',
    datastore,
    '--databases',
    'bench',
    '--users',
    'bench:secret12',
  )
  let address = ''
  while (address === '') address = / ip +\| (\S+)/.exec(await trove('show', name))?.[1] ?? ''
  await firstQuery(address)
  const total = seconds(from)
  while (!(await trove('show', name)).includes('ACTIVE')) await systemClock.sleep(200)
  const database = new DatabaseSync(join(env.COFFER_STATE_DIR, 'trove.sqlite'), { readOnly: true })
  const rows = database
    .prepare(
      'select s.name, s.started, s.finished from task_steps s join tasks t on t.id = s.task_id join instances i on i.id = t.instance_id where i.name = ?',
    )
    .all(name) as { name: string; started: string; finished: string }[]
  database.close()
  const guest = guestSteps(
    (await run([`${root}runtime/bin/coffer`, 'logs', name, '-n', '1000'], { env })).stdout,
  )
  await trove('delete', name, '--wait')
  const steps = rows.map(
    (row) => [`step: ${row.name}`, (Date.parse(row.finished) - Date.parse(row.started)) / 1000] as const,
  )
  return { total, steps: new Map([...steps, ...guest]) }
}

/** What the guest was busy with, from its console: each line of the agent says since when. */
function guestSteps(console: string): [string, number][] {
  const lines = [...console.matchAll(/\[ *([\d.]+)\] coffer: agent: (?:Preparing the guest: )?(.*)/g)]
  const marks: [number, string][] = [[0, 'kernel and services'], ...lines.map(markOf)]
  return marks.slice(0, -1).map(([at, what], n) => [`guest: ${what}`, (marks[n + 1]?.[0] ?? at) - at])
}

const markOf = ([, at, what]: RegExpExecArray): [number, string] => [Number(at), what ?? '']

try {
  const file = await image()
  await register(file)
  const [api, identity, hub] = [await freePort(), await freePort(), await freePort()]
  await writeFile(
    join(env.COFFER_STATE_DIR, 'trove.conf'),
    `[DEFAULT]\nbind_port = ${api}\ntransport_url = embedded://127.0.0.1:${hub}\nhttp_get_rate = 0\n[identity]\nbind_port = ${identity}\n[qemu]\nguest_range = 127.99.0.0/24\nfirst_uid = 99000\n`,
  )
  await run([`${root}runtime/bin/coffer`, 'up'], { env })
  const bare: number[] = []
  const made: number[] = []
  const steps = new Map<string, number[]>()
  for (let round = 0; round < Number(rounds); round++) {
    const boot = await bootCheck({ image: file, firmware: 'bios', timeoutMs: 300_000, machine: 'virtio' })
    bare.push(boot.seconds)
    const { total, steps: taken } = await create(`bench-${round}`)
    made.push(total)
    for (const [name, time] of taken) steps.set(name, [...(steps.get(name) ?? []), time])
    say(`round ${round + 1}: bare boot ${boot.seconds.toFixed(1)} s, create ${total.toFixed(1)} s`)
  }
  const row = (what: string, values: readonly number[]) => [what, median(values).toFixed(2)]
  say(
    markdownTable(
      [`${datastore}, median of ${rounds}`, 'seconds'],
      [
        row('bare boot until the engine answers', bare),
        row('create to first accepted query', made),
        ...[...steps].map(([name, values]) => row(name, values)),
        ['ratio', (median(made) / median(bare)).toFixed(2)],
      ],
    ),
  )
} finally {
  await run([`${root}runtime/bin/coffer`, 'down', '--purge', '--yes'], { env, check: false })
  await removeTree(home)
}
