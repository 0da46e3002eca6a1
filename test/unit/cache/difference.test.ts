import { expect, test } from 'vitest'
import { firstDifference } from '../../../builder/cache/difference.ts'
import { sha256 } from '../../../lib/hash.ts'
import { metaOf, stepOf } from './samples.ts'

const before = (inputs: Readonly<Record<string, string>>) => metaOf(sha256('start'), stepOf({ inputs }))

test.each([
  ['it has not run before', []],
  ['a step before it has changed', [before({ script: 'one', mode: '755' })]],
  ['mode changed: "644" → "755"', [before({ script: 'one', mode: '644' })]],
  ['mode is new', [before({ script: 'one' })]],
  ['environment HTTP is gone', [before({ script: 'one', mode: '755', 'environment HTTP': 'x' })]],
] as const)('%s', (reason, earlier) => {
  expect(firstDifference(stepOf({ inputs: { script: 'one', mode: '755' } }), earlier, [])).toBe(reason)
})

test('the reason is the difference to the run that is nearest, not to the last', () => {
  const earlier = [before({ script: 'x', mode: '644' }), before({ script: 'one', mode: '644' })]
  expect(firstDifference(stepOf({ inputs: { script: 'one', mode: '755' } }), earlier, [])).toBe(
    'mode changed: "644" → "755"',
  )
})

test('digests are shortened, and so are long values', () => {
  const [a, b] = [sha256('a'), sha256('b')]
  expect(firstDifference(stepOf({ inputs: { script: b } }), [before({ script: a })], [])).toBe(
    `script changed: ${a.slice(0, 12)} → ${b.slice(0, 12)}`,
  )
  const reason = firstDifference(
    stepOf({ inputs: { 'environment LIST': 'y'.repeat(500) } }),
    [before({ 'environment LIST': 'x' })],
    [],
  )
  expect(reason.length).toBeLessThan(120)
  expect(reason).toContain('…')
})

test('a step that fits but must not be taken says why', () => {
  expect(firstDifference(stepOf({ never: true }), [], [before({})])).toBe('it must not be cached')
  expect(firstDifference(stepOf(), [], [before({})])).toBe(
    'what it read from the package repositories has changed',
  )
})
