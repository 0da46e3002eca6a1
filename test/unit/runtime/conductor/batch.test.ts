import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../../lib/clock.ts'
import { openBatch } from '../../../../runtime/conductor/batch.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'

const base = { clock: { ...systemClock, sleep: async () => undefined }, log: silentLog }

describe('a batch', () => {
  test('writes together what comes together', async () => {
    const written: number[][] = []
    const batch = openBatch<number>({
      ...base,
      size: 100,
      delayMs: 5,
      write: async (items) => void written.push([...items]),
    })
    await Promise.all([1, 2, 3].map((item) => batch.add(item)))
    expect(written).toEqual([[1, 2, 3]])
  })

  test('does not wait once it is full', async () => {
    const written: number[][] = []
    const batch = openBatch<number>({
      ...base,
      size: 2,
      delayMs: 60_000,
      write: async (items) => void written.push([...items]),
    })
    await Promise.all([1, 2, 3, 4].map((item) => batch.add(item)))
    expect(written).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  test('tries again while the database is away: nothing is lost, and nothing counts as written before it is', async () => {
    let failures = 3
    const written: number[] = []
    const batch = openBatch<number>({
      ...base,
      size: 1,
      delayMs: 5,
      async write(items) {
        if (failures-- > 0) throw new Error('the database is away')
        written.push(...items)
      },
    })
    await batch.add(7)
    expect(written).toEqual([7])
    expect(failures).toBe(-1)
  })

  test('leaves what it cannot write unconfirmed when it is closed', async () => {
    const write = async () => {
      throw new Error('the database is away')
    }
    const batch = openBatch<number>({ ...base, size: 10, delayMs: 60_000, write })
    let confirmed = false
    void batch.add(1).then(() => {
      confirmed = true
    })
    await batch.close()
    expect(confirmed).toBe(false)
  })
})
