import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unifiedDiff } from '../../../../registry/images/diff/text.ts'

test('is what diff -u prints', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n'
  const after = before.replace('b\n', 'B\nB2\n').replace('o\n', '')
  expect(unifiedDiff(before, after)).toEqual([
    '@@ -1,5 +1,6 @@',
    ' a',
    '-b',
    '+B',
    '+B2',
    ' c',
    ' d',
    ' e',
    '@@ -12,5 +13,4 @@',
    ' l',
    ' m',
    ' n',
    '-o',
    ' p',
  ])
})

test('says when a text does not end with a line break, and when it is empty', () => {
  expect(unifiedDiff('a', 'a\n')).toEqual(['@@ -1 +1 @@', '-a', '\\ No newline at end of file', '+a'])
  expect(unifiedDiff('', 'a\n')).toEqual(['@@ -0,0 +1 @@', '+a'])
  expect(unifiedDiff('a\n', 'a\n')).toEqual([])
})

test('leads from one text to the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 20 })
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
  fc.assert(fc.property(text, text, (from, to) => apply(from, unifiedDiff(from, to)) === to))
})

test('gives up on looking for the shortest way when texts have little in common, and stays right', () => {
  const from = Array.from({ length: 3000 }, (_, at) => `from ${at}\n`).join('')
  const to = Array.from({ length: 3000 }, (_, at) => `to ${at}\n`).join('')
  expect(apply(from, unifiedDiff(from, to))).toBe(to)
})

/** What patch(1) does. */
function apply(text: string, diff: readonly string[]): string {
  const lines = text.split('\n').slice(0, -1)
  const result: string[] = []
  let at = 0
  for (const line of diff) {
    const [, start = '0', count = '1'] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? []
    if (line.startsWith('@@')) {
      const first = Number(start) - (count === '0' ? 0 : 1)
      result.push(...lines.slice(at, first))
      at = first
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      if (line.slice(1) !== lines[at]) throw new Error(`line ${at} is ${lines[at]}, not ${line}`)
      if (line.startsWith(' ')) result.push(line.slice(1))
      at += 1
    }
  }
  return [...result, ...lines.slice(at)].map((line) => `${line}\n`).join('')
}
