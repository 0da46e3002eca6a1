import { expect, test } from 'vitest'
import { getopt } from '../../lib/getopt.ts'

const specs = [
  { names: ['-a'], argument: true },
  { names: ['-x'], argument: false },
  { names: ['-u'], argument: false },
  { names: ['-h', '--help'], argument: false },
  { names: ['--image-size'], argument: true },
  { names: ['--image-cache'], argument: true },
  { names: ['--offline'], argument: false },
]
const parse = (...args: string[]) => getopt('tool', args, specs)

test('options and words mix in any order', () => {
  expect(parse('vm', '-a', 'amd64', 'debian', '-xu', '--offline')).toEqual({
    options: [
      { name: '-a', value: 'amd64' },
      { name: '-x', value: '' },
      { name: '-u', value: '' },
      { name: '--offline', value: '' },
    ],
    words: ['vm', 'debian'],
  })
})

test('an argument may follow as a word, after an equals sign, or at once', () => {
  expect(parse('--image-size', '2').options).toEqual(parse('--image-size=2').options)
  expect(parse('-aarm64').options).toEqual([{ name: '-a', value: 'arm64' }])
})

test('a long option may be shortened to a unique prefix', () => {
  expect(parse('--off').options).toEqual([{ name: '--offline', value: '' }])
  expect(() => parse('--image', '2')).toThrow(
    "tool: option '--image' is ambiguous; possibilities: '--image-size' '--image-cache'",
  )
})

test('two dashes end the options', () => {
  expect(parse('--', '-x').words).toEqual(['-x'])
})

test.each([
  [['--nope'], "tool: unrecognized option '--nope'"],
  [['-z'], "tool: invalid option -- 'z'"],
  [['-a'], "tool: option requires an argument -- 'a'"],
  [['--image-size'], "tool: option '--image-size' requires an argument"],
  [['--offline=1'], "tool: option '--offline' doesn't allow an argument"],
])('%j is refused in the words of getopt', (args, message) => {
  expect(() => parse(...args)).toThrow(message)
})
