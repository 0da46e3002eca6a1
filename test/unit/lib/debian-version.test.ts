import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareDebianVersions } from '../../../lib/debian-version.ts'
import { run } from '../../../lib/exec.ts'

/** Older, newer. */
const ORDERED: readonly (readonly [string, string])[] = [
  ['1.0~rc1', '1.0'],
  ['1.0~~', '1.0~'],
  ['1.0', '1.0-1'],
  ['1.0-1', '1.0-1+b1'],
  ['1.0-1~deb12u1', '1.0-1'],
  ['1.0-1', '1.0-1+deb12u1'],
  ['1.2.9', '1.2.10'],
  ['9', '10'],
  ['1.0a', '1.0b'],
  ['1.0a', '1.0+'],
  ['99999', '1:0'],
  ['1:2', '2:1'],
  ['1.0-9', '1.0-10'],
  ['1.0-rc1-1', '1.0-rc2-1'],
  ['3.0.22-1~deb12u2', '3.0.22-1~deb12u10'],
  ['12.2.0-14+deb12u1', '12.2.0-15'],
  ['1.2.13.dfsg-1', '1.2.13.dfsg-1.1'],
  ['99999999999999999999998', '99999999999999999999999'],
]
const EQUAL: readonly (readonly [string, string])[] = [
  ['1.0', '1.0-0'],
  ['0:1.0', '1.0'],
  ['1.01', '1.1'],
  ['001', '1'],
]

test.each(ORDERED)('%s is older than %s', (older, newer) => {
  expect(compareDebianVersions(older, newer)).toBeLessThan(0)
  expect(compareDebianVersions(newer, older)).toBeGreaterThan(0)
})

test.each(EQUAL)('%s is the same version as %s', (a, b) => {
  expect(compareDebianVersions(a, b)).toBe(0)
})

/** What dpkg says of each pair: <, = or >. */
async function dpkg(pairs: readonly (readonly [string, string])[]): Promise<string[]> {
  const script = `while read -r a b; do
    if dpkg --compare-versions "$a" lt "$b"; then echo '<'
    elif dpkg --compare-versions "$a" eq "$b"; then echo '='
    else echo '>'; fi
  done`
  const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('')
  return (await run(['sh', '-c', script], { env: { PATH: process.env.PATH }, input })).stdout
    .trim()
    .split('\n')
}

const part = (alphabet: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), maxLength })
const version = fc
  .tuple(
    fc.constantFrom('', '0:', '1:', '12:'),
    part('0019ab.+~', 5),
    fc.option(part('0019ab.+~', 4).filter((text) => text !== '')),
  )
  .map(([epoch, upstream, revision]) => `${epoch}1${upstream}${revision === null ? '' : `-${revision}`}`)

test('dpkg itself orders versions in the same way', async () => {
  const pairs = [...ORDERED, ...EQUAL, ...fc.sample(fc.tuple(version, version), 200)]
  const ours = pairs.map(([a, b]) => {
    const order = compareDebianVersions(a, b)
    return order < 0 ? '<' : order > 0 ? '>' : '='
  })
  expect(ours).toEqual(await dpkg(pairs))
})

test('it is an order of any text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
      const [ab, bc, ac] = [
        compareDebianVersions(a, b),
        compareDebianVersions(b, c),
        compareDebianVersions(a, c),
      ]
      expect(Math.sign(compareDebianVersions(b, a))).toBe(-Math.sign(ab) + 0)
      if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0)
      expect(compareDebianVersions(a, a)).toBe(0)
    }),
  )
})
