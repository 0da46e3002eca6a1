import { expect, test } from 'vitest'
import { type Report, startReporter } from '../../../../runtime/guestagent/reporter.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import { steppedClock } from './stage.ts'

function reporting(observe: () => Promise<Report | undefined>) {
  const sent: object[] = []
  const { clock, tick } = steppedClock()
  const reporter = startReporter({
    guestId: 'g1',
    agentVersion: '1.0',
    intervalMs: 1000,
    observe,
    volume: async () => ({ total: 2, used: 0.5 }),
    cast: async (args) => {
      sent.push(args)
    },
    clock,
    log: silentLog,
  })
  return { reporter, sent, tick }
}

const statuses = (sent: readonly object[]) =>
  sent.map((args) => (args as { payload: { service_status: string } }).payload.service_status)

test('a heartbeat carries the status, the volume and the version of the agent', async () => {
  const { reporter, sent, tick } = reporting(async () => ({ status: 'running' }))
  await tick()
  expect(sent[0]).toEqual({
    instance_id: 'g1',
    payload: { service_status: 'running', agent_version: '1.0', volume_used: 0.5, volume_total: 2 },
  })
  reporter.stop()
})

test('nothing is sent before there is something to report', async () => {
  const { reporter, sent, tick } = reporting(async () => undefined)
  for (let n = 0; n < 3; n++) await tick()
  expect(sent).toEqual([])
  await reporter.tell({ status: 'building' })
  expect(statuses(sent)).toEqual(['building'])
  reporter.stop()
})

test('one heartbeat an interval, none while the database restarts, none after the end', async () => {
  const { reporter, sent, tick } = reporting(async () => ({ status: 'running' }))
  await tick()
  await tick()
  expect(sent.length).toBe(2)
  await reporter.during(async () => {
    await tick()
    await reporter.look()
  })
  expect(sent.length).toBe(2)
  await tick()
  expect(sent.length).toBe(3)
  reporter.stop()
  await tick()
  expect(sent.length).toBe(3)
})

test('a database that cannot be asked has the status unknown', async () => {
  const { reporter, sent, tick } = reporting(async () => {
    throw new Error('broken')
  })
  await tick()
  expect(statuses(sent)).toEqual(['unknown'])
  reporter.stop()
})

test('an answer that is older than what was done meanwhile is not sent', async () => {
  let answer = (_: Report): void => undefined
  const { reporter, sent, tick } = reporting(() => new Promise((resolve) => (answer = resolve)))
  await tick()
  await reporter.during(async () => undefined)
  await reporter.tell({ status: 'shutdown' })
  answer({ status: 'running' })
  await tick()
  expect(statuses(sent)).toEqual(['shutdown'])
  reporter.stop()
})
