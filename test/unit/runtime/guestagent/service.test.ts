import { expect, test } from 'vitest'
import { awaitRunning, statusOf } from '../../../../runtime/guestagent/service/await-running.ts'
import type { ServiceState } from '../../../../runtime/guestagent/service/service-control.ts'
import { stateOf, wordsOf } from '../../../../runtime/guestagent/service/systemd.ts'
import { steppedClock } from './stage.ts'

const service = (state: Partial<ServiceState>, words = '') => ({
  start: async () => undefined,
  stop: async () => undefined,
  permit: async () => undefined,
  state: async () => ({ active: 'active', sub: 'running', mainPid: 1, ...state }),
  lastWords: async () => words,
})
const yes = async () => true
const no = async () => false

test("systemd's words are read", () => {
  expect(stateOf('ActiveState=failed\nSubState=failed\nMainPID=0\nResult=start-limit-hit\n')).toEqual({
    active: 'failed',
    sub: 'failed',
    mainPid: 0,
    result: 'start-limit-hit',
  })
})

test.each([
  ['active', '', 'blocked'],
  ['activating', '', 'blocked'],
  ['activating', 'auto-restart', 'crashed'],
  ['failed', '', 'crashed'],
  ['inactive', '', 'shutdown'],
])('an engine that does not answer while its unit is %s %s is %s', async (active, sub, expected) => {
  expect(await statusOf(service({ active, sub }), no)).toBe(expected)
  expect(await statusOf(service({ active, sub }), yes)).toBe('running')
})

test('an engine that dies at its start gives its own reason', async () => {
  const { clock } = steppedClock()
  await expect(
    awaitRunning(service({ active: 'failed' }, "unknown variable 'max_conections=5'"), no, clock),
  ).rejects.toThrow(/stopped right after its start: unknown variable 'max_conections=5'/)
})

test("of a log, the engine's errors count, not systemd's own lines", () => {
  const log = `Starting mysql.service - MySQL Community Server...
2026-01-01T00:00:00Z 0 [Warning] something
2026-01-01T00:00:00Z 0 [ERROR] [MY-000067] [Server] unknown variable 'max_conections=5'.
2026-01-01T00:00:00Z 0 [ERROR] [MY-010119] [Server] Aborting
mysql.service: Failed with result 'exit-code'.
Failed to start mysql.service - MySQL Community Server.`
  expect(wordsOf(log)).toContain('max_conections')
  expect(wordsOf('only this\nmysql.service: Main process exited')).toBe('only this')
  expect(wordsOf('')).toBe('')
})
