import { describe, expect, test } from 'vitest'
import { loginDelay, loginGate } from '../../../../runtime/identity/login-gate.ts'
import { handClock } from './support.ts'

const wrong = () => Promise.resolve(false)
const right = () => Promise.resolve(true)

describe('guessing passwords', () => {
  test('is free for a person who mistypes, then each guess waits longer, up to eight seconds', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000].map(loginDelay)).toEqual([
      0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000,
    ])
  })

  test('slows down one name from one address, and nobody else', async () => {
    const clock = handClock()
    const gate = loginGate(clock)
    for (let i = 0; i < 5; i++) await gate.attempt('admin', '10.0.0.1', wrong)
    expect(clock.slept()).toEqual([250, 500])
    await gate.attempt('admin', '10.0.0.2', right)
    await gate.attempt('bob', '10.0.0.1', right)
    expect(clock.slept()).toEqual([250, 500])
  })

  test('is forgiven by the right password, and by a quarter of an hour', async () => {
    const clock = handClock()
    const gate = loginGate(clock)
    for (let i = 0; i < 4; i++) await gate.attempt('admin', '10.0.0.1', wrong)
    await gate.attempt('admin', '10.0.0.1', right)
    await gate.attempt('admin', '10.0.0.1', wrong)
    expect(clock.slept()).toEqual([250, 500])
    for (let i = 0; i < 3; i++) await gate.attempt('admin', '10.0.0.1', wrong)
    clock.move(16 * 60 * 1000)
    const before = clock.slept().length
    await gate.attempt('admin', '10.0.0.1', wrong)
    expect(clock.slept()).toHaveLength(before)
  })

  test('cannot be sped up by guessing many at once: one is checked at a time, and the ninth in a row is turned away', async () => {
    const gate = loginGate(handClock())
    let running = 0
    let most = 0
    const slow = async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      return false
    }
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, () => gate.attempt('admin', '10.0.0.1', slow)),
    )
    expect(most).toBe(1)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array(4).fill('IDENTITY_TOO_MANY_LOGINS'))
  })
})
