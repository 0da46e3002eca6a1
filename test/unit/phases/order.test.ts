import fc from 'fast-check'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import {
  isEnvironmentFileName,
  isScriptName,
  sortEnvironmentFiles,
  sortProfile,
  sortScripts,
} from '../../../phases/order.ts'

test('scripts run by their leading number; names without one run first, negative ones even earlier', () => {
  const order = '-5-neg _under plain 1_2 05-q 9-z 10-a 10-b 20-B 20-Z 20-a 50-link 100-y'.split(' ')
  expect(sortScripts([...order].reverse())).toEqual(order)
})

test('the two elements of the book run interleaved, by number and then by letter', () => {
  const first = ['10-pre-install-f', '20-pre-install-f']
  const second = ['10-pre-install-s', '20-pre-install-s']
  const distribution =
    '99-package-uninstalls 02-yum-repos 02-package-installs 15-remove-grub 01-yum-keepcache 00-fix-requiretty'
  expect(sortScripts([...second, ...distribution.split(' '), ...first])).toEqual([
    '00-fix-requiretty',
    '01-yum-keepcache',
    '02-package-installs',
    '02-yum-repos',
    '10-pre-install-f',
    '10-pre-install-s',
    '15-remove-grub',
    '20-pre-install-f',
    '20-pre-install-s',
    '99-package-uninstalls',
  ])
})

test('environment files are sourced byte by byte: 100 before 11 before 9', () => {
  expect(sortEnvironmentFiles(['9-c', '11-b', '100-a', '10-e'])).toEqual(['10-e', '100-a', '11-b', '9-c'])
})

test('the PROFILING table is byte by byte, so 100-y stands before 20-a', () => {
  expect(sortProfile(['20-a', '9-z', '100-y', 'B', 'a'])).toEqual(['100-y', '20-a', '9-z', 'B', 'a'])
})

const piece = fc.oneof(
  fc.constantFrom(
    '-',
    '0',
    '00',
    '.',
    ' ',
    '\t',
    '_',
    '+',
    'a',
    'Z',
    'é',
    '1e3',
    '-0',
    '.5',
    '99999999999999999999',
  ),
  fc.nat({ max: 120 }).map(String),
)
const name = fc
  .array(piece, { minLength: 1, maxLength: 5 })
  .map((pieces) => pieces.join(''))
  .filter((text) => text.trim() !== '')

test('the order of scripts is that of sort -n in the C locale, whatever the names', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 40 }), async (names) => {
      const sorted = await run(['sort', '-n'], {
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        input: names.map((text) => `${text}\n`).join(''),
      })
      expect(sortScripts(names)).toEqual(sorted.stdout.split('\n').slice(0, -1))
    }),
    { numRuns: 100 },
  )
})

test.each(['50-x', 'plain', '_x', '-5-neg', '01-A_b'])('%s is a name that runs', (script) => {
  expect(isScriptName(script)).toBe(true)
})

test.each(['50-x.sh', '10-foo.bak', '.hidden', '50-x~', '', 'a b', 'é', '50-x\n', 'a/b'])(
  '%j is a name that is skipped',
  (script) => {
    expect(isScriptName(script)).toBe(false)
  },
)

test('environment files may have dots, but no tilde', () => {
  expect(['10-x.bash', '10-x', '.x', '10-x~', '10 x'].map(isEnvironmentFileName)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})

test('RUN_PARTS_REGEX replaces the rule; an empty one does not', () => {
  expect(isScriptName('50-x.sh', '\\.sh$')).toBe(true)
  expect(isScriptName('50-x', '\\.sh$')).toBe(false)
  expect(isScriptName('50-x.sh', '')).toBe(false)
})

test('a RUN_PARTS_REGEX that is no regular expression is an error, not an empty phase', () => {
  expect(() => isScriptName('50-x', '(unclosed')).toThrowError(
    expect.objectContaining({
      code: 'RUN_PARTS_REGEX_INVALID',
      message: "'(unclosed' is not an extended regular expression",
    }),
  )
})

const expressions = [
  '^[[:digit:]]+-[[:alpha:]_-]+$',
  '^[^[:space:][:punct:]]+$',
  '^[]x^-]+$',
  '^[^]x-]+$',
  '^[\\n.]+$',
  '^[0-9]{2}-',
  '^.{,3}$',
  '^.{4,}$',
  '^(a|b|1)+$',
  '\\.',
  '^\\w+$',
  '\\<x',
  'x\\>',
  'a{x',
  'a}',
  '^[[:upper:]]|[[:xdigit:]]$',
  '^-?[0-9]*[.]?[0-9]*$',
]

test('RUN_PARTS_REGEX means what grep -E makes of it', async () => {
  const names = fc.stringMatching(/^[ab1Zx9~!.\\{}^\]n_-]{1,6}$/)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...expressions),
      fc.array(names, { maxLength: 30 }),
      async (regex, texts) => {
        const kept = await run(['grep', '-E', '-e', regex], {
          env: { PATH: process.env.PATH, LC_ALL: 'C' },
          input: texts.map((text) => `${text}\n`).join(''),
          check: false,
        })
        expect(texts.filter((text) => isScriptName(text, regex))).toEqual(
          kept.stdout.split('\n').slice(0, -1),
        )
      },
    ),
    { numRuns: 150 },
  )
})
