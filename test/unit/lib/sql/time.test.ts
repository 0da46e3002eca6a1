import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromSqlTime, toSqlTime, toSqlTimeMs } from '../../../../lib/sql/time.ts'

const date = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })

test('a time comes back to the millisecond, or cut to the second', () => {
  fc.assert(
    fc.property(date, (time) => {
      expect(fromSqlTime(toSqlTimeMs(time))).toEqual(time)
      expect(fromSqlTime(toSqlTime(time)).getTime()).toBe(Math.floor(time.getTime() / 1000) * 1000)
    }),
  )
})

test('stored times are in the order of time', () => {
  fc.assert(
    fc.property(date, date, (one, other) => {
      expect(toSqlTimeMs(one) < toSqlTimeMs(other)).toBe(one < other)
    }),
  )
})
