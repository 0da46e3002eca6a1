// A process of its own that works on the database whose URL it reads: `migrate`, `claim OWNER` or `create VERSION`.
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { migrate, openDatabase } from '../../../runtime/db/index.ts'
import { newInstance } from './fixtures.ts'

const [, , what, argument = ''] = process.argv
const url = await text(process.stdin)
/** Past any buffer: what is printed was acknowledged, whatever happens next. */
const print = (line: string) => writeSync(1, `${line}\n`)

if (what === 'migrate') for (const name of await migrate(url)) print(name)
if (what === 'claim') await claimAll(argument)
if (what === 'create') await createForEver(argument)

async function claimAll(name: string): Promise<void> {
  const db = await openDatabase(url)
  for (let misses = 0; misses < 20; ) {
    const owner = `${name}/${randomUUID()}`
    const task = await db.tasks.claim(owner, 60_000, new Date())
    if (task === undefined) {
      misses++
      await pause(10)
      continue
    }
    const { id, instanceId, attempts } = task
    const from = Date.now()
    await pause(2)
    print(JSON.stringify({ id, number: Number(id.slice(1)), instanceId, attempts, from, to: Date.now() }))
    await db.tasks.setState(id, owner, 'done')
  }
  await db.close()
}

async function createForEver(versionId: string): Promise<void> {
  const db = await openDatabase(url)
  for (;;) {
    const instance = newInstance(versionId)
    await db.transaction(async (inside) => {
      await inside.quotas.change('tenant-a', { instances: 1, volumes: 1 }, {})
      await inside.instances.create(instance)
    })
    print(instance.id)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
