import { expect, test } from 'vitest'
import { closest, editDistance } from '../../lib/closest.ts'

test('the nearest names come first, and far ones not at all', () => {
  expect(closest('debian-minmal', ['debian-minimal', 'debian', 'ubuntu-minimal', 'vm'])).toEqual([
    'debian-minimal',
  ])
  expect(closest('vn', ['vm', 'bn', 'lvm'])).toEqual(['bn', 'vm'])
  expect(closest('mysql', ['redis'])).toEqual([])
})

test.each([
  ['abc', 'abc', 0],
  ['abc', 'acb', 1],
  ['abc', 'ab', 1],
  ['', 'abc', 3],
  ['finalize.d', 'finalise.d', 1],
])('%s and %s are %i edits apart', (from, to, edits) => {
  expect(editDistance(from, to)).toBe(edits)
  expect(editDistance(to, from)).toBe(edits)
})
