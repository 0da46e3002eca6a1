import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareVersions } from '../../../builder/packages/debian-version.ts'
import { run } from '../../../lib/exec.ts'

const sign = (number: number) => Math.sign(number)

test.each([
  ['1.0', '1.0', 0],
  ['1.0', '1.1', -1],
  ['1.9', '1.10', -1],
  ['1.0~rc1', '1.0', -1],
  ['1.0', '1.0+b1', -1],
  ['1.0-1', '1.0-1+b1', -1],
  ['1:0.1', '9.9', 1],
  ['0:1', '1', 0],
  ['1.0', '1.0-0', 0],
  ['1.0-1~deb12u1', '1.0-1', -1],
  ['1.0a', '1.0+', -1],
  ['1-2-3', '1-2-4', -1],
  ['007', '7', 0],
])('%s and %s', (a, b, expected) => {
  expect(sign(compareVersions(a, b))).toBe(expected)
  expect(sign(compareVersions(b, a))).toBe(-expected + 0)
})

const hasDpkg = await run(['dpkg', '--version'], { check: false }).then(
  () => true,
  () => false,
)

describe.skipIf(!hasDpkg)('dpkg agrees', () => {
  test('on versions made of what versions are made of', async () => {
    const part = fc
      .array(fc.constantFrom('0', '1', '9', '10', '.', '+', '~', 'a', 'Z', 'deb', 'rc'), { maxLength: 6 })
      .map((pieces) => `1${pieces.join('')}`)
    const version = fc
      .tuple(fc.constantFrom('', '0:', '1:'), part, fc.constantFrom('', '-1', '-0', '-1~x', '-1+b2'))
      .map((pieces) => pieces.join(''))
    const pairs = fc.sample(fc.tuple(version, version), { numRuns: 150, seed: 7 })
    // One shell for all pairs: 0 for lt, 1 for eq, 2 for gt.
    const script = `while read -r a b; do
      if dpkg --compare-versions "$a" lt "$b"; then echo -1
      elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi; done`
    const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('')
    const { stdout } = await run(['bash', '-c', script], { input })
    const ours = pairs.map(([a, b]) => `${a} ${b}: ${sign(compareVersions(a, b))}`)
    const theirs = pairs.map(([a, b], at) => `${a} ${b}: ${stdout.split('\n')[at]}`)
    expect(ours).toEqual(theirs)
  })
})
