import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Lock, lockDigest, renderLock } from '../../../builder/lock/lock.ts'
import { parseLock } from '../../../builder/lock/parse-lock.ts'
import { sha256 } from '../../../lib/hash.ts'
import { example } from './example.ts'

test('a lock has a line for each thing it names, so that a change is a line of a diff', () => {
  const text = renderLock(example)
  const lines = text.split('\n')
  expect(lines.filter((line) => line.includes('"version"'))).toEqual([
    expect.stringMatching(/^ {4}\{"name":"adduser","version":"3.134",.*"size":107\},$/),
    expect.stringMatching(/^ {4}\{"name":"libstdc\+\+6",.*\}$/),
  ])
  expect(JSON.parse(text)).toEqual({
    ...example,
    repositories: example.repositories.toReversed(),
    packages: example.packages.toReversed(),
  })
})

test('the text depends on what is named only, not on the order it came in', () => {
  const lists = ['repositories', 'indexes', 'absent', 'packages', 'sources', 'downloads'] as const
  const shuffled = fc.record(
    Object.fromEntries(
      lists.map((name) => [
        name,
        fc.shuffledSubarray([...example[name]], { minLength: example[name].length }),
      ]),
    ) as { [K in (typeof lists)[number]]: fc.Arbitrary<Lock[K][number][]> },
  )
  fc.assert(
    fc.property(shuffled, (parts) => {
      expect(renderLock({ ...example, ...(parts as Partial<Lock>) })).toBe(renderLock(example))
    }),
  )
})

test('what was written reads the same, and has the same digest', () => {
  const text = renderLock(example)
  const again = parseLock(text, 'x.lock')
  expect(renderLock(again)).toBe(text)
  expect(lockDigest(again)).toBe(sha256(text))
})

test('a lock of nothing at all is one too', () => {
  const { distribution: _, release: __, sourceDate: ___, ...rest } = example
  const empty = { ...rest, archives: {}, repositories: [], indexes: [], absent: [], packages: [] }
  const none = { ...empty, sources: [], downloads: [], generated: {} }
  expect(parseLock(renderLock(none), 'x.lock')).toEqual(none)
})
