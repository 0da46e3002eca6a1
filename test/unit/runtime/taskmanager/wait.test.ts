import { describe, expect, test } from 'vitest'
import { waitFor } from '../../../../runtime/taskmanager/flow/wait.ts'

/** A clock that jumps over every pause. */
function jumpingClock() {
  let now = 0
  return {
    now: () => new Date(now),
    sleep: async (ms: number) => {
      now += ms
    },
  }
}
const never = new AbortController().signal
const wait = { until: 'the server is active', hint: 'See its console.' }

describe('a wait', () => {
  test('ends with what the probe found', async () => {
    let probes = 0
    const probe = async () => (++probes === 3 ? 'found' : undefined)
    const options = { clock: jumpingClock(), probeMs: 100, deadline: new Date(1000), signal: never }
    expect(await waitFor({ ...wait, probe }, options)).toBe('found')
  })

  test('fails at its deadline, and says what was waited for and where to look', async () => {
    const clock = jumpingClock()
    const options = { clock, probeMs: 300, deadline: new Date(1000), signal: never }
    await expect(waitFor({ ...wait, probe: async () => undefined }, options)).rejects.toMatchObject({
      code: 'WAIT_TIMED_OUT',
      message: 'Timed out waiting until the server is active',
      hint: 'See its console.',
    })
    expect(clock.now().getTime()).toBe(1000)
  })

  test('looks once even when its deadline has passed: the work may have been done while nobody looked', async () => {
    const options = { clock: jumpingClock(), probeMs: 100, deadline: new Date(-1), signal: never }
    expect(await waitFor({ ...wait, probe: async () => true }, options)).toBe(true)
  })

  test('ends at once when the lease is lost, in the middle of a pause', async () => {
    const lost = new AbortController()
    const clock = { now: () => new Date(0), sleep: () => new Promise<void>(() => undefined) }
    const options = { clock, probeMs: 100, deadline: new Date(1000), signal: lost.signal }
    const waiting = waitFor({ ...wait, probe: async () => undefined }, options)
    setTimeout(() => lost.abort(new Error('the lease is lost')), 5)
    await expect(waiting).rejects.toThrow('the lease is lost')
  })
})
