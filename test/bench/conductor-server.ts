import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock as clock } from '../../lib/clock.ts'
import { sealer } from '../../lib/seal.ts'
import { startConductor } from '../../runtime/conductor/index.ts'
import { openDatabase } from '../../runtime/db/index.ts'
import { INSTANCE_TASKS } from '../../runtime/model/instance-task.ts'
import { startHub } from '../../runtime/transport/embedded/index.ts'
import { silentLog } from '../../runtime/transport/log.ts'
import { guestId, guestSecret } from './conductor-guests.ts'

/** What the measured process says at the end. */
export interface Report {
  readonly received: number
  readonly kept: number
  readonly wrongRows: number
  readonly cpuSeconds: number
  readonly wallSeconds: number
  readonly rssMiB: number
}

const GB = 1024 ** 3

/** Hub, conductor and database in this process; told what to do by lines on its input. */
export async function serveConductor(directory: string, guests: number): Promise<void> {
  const db = await openDatabase(`sqlite://${directory}/trove.sqlite`, { clock })
  await db.transaction(async (inside) => {
    await inside.datastores.putDatastore('mysql')
    const version = await inside.datastores.putVersion({
      datastore: 'mysql',
      name: '9.7',
      manager: 'mysql',
      image_id: 'image',
      packages: '',
      active: true,
    })
    for (let guest = 0; guest < guests; guest++) {
      await inside.instances.create({
        id: guestId(guest),
        name: `db-${guest}`,
        tenant_id: 'tenant-a',
        flavor_id: '1',
        volume_size: 1,
        datastore_version_id: version.id,
        task_code: INSTANCE_TASKS.NONE.code,
        created: clock.now(),
      })
    }
  })
  const hub = await startHub({
    host: '127.0.0.1',
    port: 0,
    store: db.messages,
    secretOf: async (identity) => guestSecret(identity.split(':')[1] ?? ''),
    sealer: sealer(Buffer.alloc(32)),
    clock,
    log: silentLog,
  })
  const connection = hub.connection({ kind: 'control', name: 'conductor' })
  const conductor = await startConductor({ db, connection, clock, log: silentLog })
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`)
  say({ port: hub.port })

  let cpu = process.cpuUsage()
  let began = performance.now()
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, argument = '0'] = line.split(' ')
    if (order === 'begin') {
      cpu = process.cpuUsage()
      began = performance.now()
      say({ began: true })
      continue
    }
    const wallSeconds = (performance.now() - began) / 1000
    const used = process.cpuUsage(cpu)
    const rssMiB = process.memoryUsage.rss() / 1024 ** 2
    const sent = Number(argument)
    for (let tries = 0; tries < 100 && settled() < sent; tries++) await sleep(100)
    say({
      received: conductor.stats().received,
      kept: conductor.stats().kept,
      wrongRows: await wrongRows(sent),
      cpuSeconds: (used.user + used.system) / 1e6,
      wallSeconds,
      rssMiB,
    } satisfies Report)
  }

  function settled(): number {
    const { kept, stale, refused } = conductor.stats()
    return kept + stale + refused
  }

  /** Rows whose figure is not the number of heartbeats that the guest has sent. */
  async function wrongRows(sent: number): Promise<number> {
    const rounds = sent / guests
    let wrong = 0
    for (let guest = 0; guest < guests; guest++) {
      const record = await db.instances.get(guestId(guest))
      if (record?.volume_used_bytes !== rounds * GB) wrong++
    }
    return wrong
  }
}
