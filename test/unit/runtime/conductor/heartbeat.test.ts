import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readHeartbeat } from '../../../../runtime/conductor/heartbeat.ts'
import { SERVICE_STATUSES } from '../../../../runtime/model/service-status.ts'
import type { JsonObject } from '../../../../runtime/rpc/types.ts'

describe('reading a heartbeat', () => {
  test('the status word becomes its code, and sizes in GB become bytes', () => {
    const payload = { service_status: 'running', volume_used: 0.5, volume_total: 1, agent_version: '1.0' }
    expect(readHeartbeat('a', { instance_id: 'a', payload }, 12.5, 99)).toEqual({
      heartbeat: {
        instanceId: 'a',
        sent: 12.5,
        serviceCode: SERVICE_STATUSES.RUNNING.code,
        volumeUsedBytes: 536_870_912,
        volumeTotalBytes: 1_073_741_824,
        agentVersion: '1.0',
      },
      reason: undefined,
    })
  })

  test('a guest says why it failed', () => {
    const payload = { service_status: 'failed to spawn', reason: 'no space left on /dev/vdb' }
    expect(readHeartbeat('a', { payload }, 1, 99)?.reason).toBe('no space left on /dev/vdb')
  })

  test('one that does not say when it was sent counts as of now', () => {
    expect(readHeartbeat('a', { payload: {} }, Number.NaN, 99)?.heartbeat.sent).toBe(99)
  })

  test('one of a guest whose clock is far ahead counts as of now: it must not outdate those to come', () => {
    expect(readHeartbeat('a', { payload: {} }, 99 + 3600, 99)?.heartbeat.sent).toBe(99)
    expect(readHeartbeat('a', { payload: {} }, 99.5, 99)?.heartbeat.sent).toBe(99.5)
  })

  test('whatever a guest sends, only figures that a database can hold come out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (payload, figure) => {
        const args = { payload: fcObject(payload, figure) } as JsonObject
        const read = readHeartbeat('a', args, 1, 99)
        for (const bytes of [read?.heartbeat.volumeUsedBytes, read?.heartbeat.volumeTotalBytes]) {
          expect(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true)
        }
        expect(read?.heartbeat.agentVersion?.length ?? 0).toBeLessThanOrEqual(255)
      }),
    )
  })
})

/** Sometimes an object with the right keys and wrong values, sometimes anything. */
function fcObject(payload: unknown, figure: unknown): unknown {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload)
    ? { ...payload, volume_used: figure, volume_total: figure, agent_version: figure, service_status: figure }
    : payload
}
