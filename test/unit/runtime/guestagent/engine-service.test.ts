import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { engineService } from '../../../../runtime/guestagent/managers/engine-service.ts'
import type { ServiceControl } from '../../../../runtime/guestagent/service/service-control.ts'
import { noVolume } from '../../../../runtime/guestagent/volume/volume-control.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-engine.'))
})
afterEach(() => removeTree(directory))

/** Time passes at each pause. */
const quickClock: Clock = { now: () => new Date(), sleep: () => new Promise(setImmediate) }

function engineWith(service: Partial<ServiceControl>, ask: () => Promise<unknown>) {
  const control: ServiceControl = {
    start: async () => undefined,
    stop: async () => undefined,
    permit: async () => undefined,
    state: async () => ({ active: 'active', sub: 'running', mainPid: 1 }),
    lastWords: async () => 'the last words',
    ...service,
  }
  const host = {
    ...{ guestId: 'g', unit: 'engine.service', service: control, volume: noVolume },
    ...{ clock: quickClock, log: silentLog },
  }
  return engineService(host, ask, async () => undefined, join(directory, 'socket'))
}

const never = () => new Promise<never>(() => undefined)

test('an engine that answers at its socket has started, whether systemd says so yet or not', async () => {
  let asked = 0
  const engine = engineWith({ start: never }, async () => {
    asked += 1
  })
  const starting = engine.start()
  await new Promise((resolve) => setTimeout(resolve, 20))
  // Without a socket there is nobody to ask.
  expect(asked).toBe(0)
  await writeFile(join(directory, 'socket'), '')
  await starting
  expect(asked).toBe(1)
})

test('a start that fails is told with its reason', async () => {
  const start = async () => {
    throw new Error('engine.service did not start: unknown option')
  }
  await expect(engineWith({ start }, never).start()).rejects.toThrow(/unknown option/)
})

test('an engine whose unit is up before it answers is waited for', async () => {
  let tries = 0
  const engine = engineWith({}, async () => {
    tries += 1
    if (tries < 3) throw new Error('starting up')
  })
  await engine.start()
  expect(tries).toBe(3)
})
