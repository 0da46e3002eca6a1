import fc from 'fast-check'
import { expect, test } from 'vitest'
import { curlConfig, downloadSettings } from '../../../builder/datastores/download-options.ts'
import { splitWords } from '../../../builder/datastores/words.ts'

const config = (text: string) => curlConfig(downloadSettings(text))

test('no options is no settings', () => expect(config('')).toBe(''))

test('wget options in both spellings become curl settings', () => {
  expect(config('--user=ann --password s3cret --tries=3 -T 20 --limit-rate 2m --no-proxy -q')).toBe(
    [
      'retry = "2"',
      'connect-timeout = "20"',
      'speed-limit = "1"',
      'speed-time = "20"',
      'limit-rate = "2m"',
      'noproxy = "*"',
      'user = "ann:s3cret"',
      '',
    ].join('\n'),
  )
})

test('quotes hold a header together, and nothing in it is expanded', () => {
  expect(config(`--header='Authorization: Bearer $(id) "x"'`)).toBe(
    'header = "Authorization: Bearer $(id) \\"x\\""\n',
  )
})

test('leaving the certificate unchecked is refused, and the message says what to do instead', () => {
  expect(() => config('--no-check-certificate')).toThrow(/--ca-certificate=FILE/)
})

test.each([
  ['-O /etc/passwd', /-O is refused/],
  ['--output-document=/etc/passwd', /not yours to choose/],
  ['-i list', /one thing to fetch/],
  ['--execute=robots=off', /not an option known here/],
  ['--user', /value is missing/],
  ['--quiet=yes', /takes no value/],
  ['--tries=0', /wrong form/],
  ['--header=no-colon', /wrong form/],
  ['--password=x', /--user must come with it/],
  ['__proto__', /not an option known here/],
  ['--user="open', /" is not closed/],
])('%s is refused', (text, message) => expect(() => config(text)).toThrow(message))

test('a refusal never repeats a value', () => {
  for (const text of [
    '--user=a --password=hunter2 --bogus',
    '--passwd=hunter2',
    'hunter2',
    '--limit-rate hunter2',
  ]) {
    expect(() => config(text)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    )
  }
})

test('a value cannot end its line in the configuration', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const text = curlConfig([{ name: 'user-agent', value }])
      expect(text.split('\n')).toHaveLength(2)
      expect(text).toMatch(/^user-agent = ".*"\n$/s)
    }),
    { examples: [['a\nb'], ['"\\']] },
  )
})

test('words survive being quoted and split again', () => {
  const word = fc.string().filter((text) => !/[\p{Cc}]/u.test(text))
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const text = words.map((one) => `'${one.replaceAll("'", `'\\''`)}'`).join(' ')
      expect(splitWords(text, 'X')).toEqual(words)
    }),
  )
})
