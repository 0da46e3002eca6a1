import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseArguments } from '../../../../../runtime/cli/trove/arguments/parse.ts'
import type { Grammar } from '../../../../../runtime/cli/trove/arguments/types.ts'
import { commands } from '../../../../../runtime/cli/trove/commands/index.ts'

const create: Grammar = {
  positionals: [
    { name: 'name', help: '' },
    { name: 'flavor', help: '' },
  ],
  options: [
    { names: ['--size'], takes: 'one', help: '' },
    { names: ['--databases'], takes: 'many', help: '' },
    { names: ['--users'], takes: 'many', help: '' },
    { names: ['--datastore'], takes: 'one', help: '' },
    { names: ['--datastore_version'], takes: 'one', help: '' },
    { names: ['--nic'], takes: 'each', help: '' },
    { names: ['--wait'], takes: 'flag', help: '' },
  ],
}
const parse = (line: string) => parseArguments(create, line.split(' ')).args

describe('a command line', () => {
  test('may have words and options in any order', () => {
    for (const line of ['m1 2 --size 1', '--size 1 m1 2', 'm1 --size=1 2']) {
      const args = parse(line)
      expect([args.one('name'), args.one('flavor'), args.maybe('size')]).toEqual(['m1', '2', '1'])
    }
  })

  test('of the book: several databases and users at once', () => {
    const args = parse(
      'm6 2 --size 2 --datastore mysql --databases chapter_3_db_1 chapter_3_db_2 --users user1:password1 user2:password2',
    )
    expect(args.many('databases')).toEqual(['chapter_3_db_1', 'chapter_3_db_2'])
    expect(args.many('users')).toEqual(['user1:password1', 'user2:password2'])
    expect(args.one('name')).toBe('m6')
  })

  test('spells datastore_version with either dash', () => {
    expect(parse('m 2 --datastore_version 5.5').maybe('datastore_version')).toBe('5.5')
    expect(parse('m 2 --datastore-version 5.5').maybe('datastore_version')).toBe('5.5')
    expect(parse('m 2 --datastore-version=5.5').maybe('datastore_version')).toBe('5.5')
  })

  test('shortens an option to a unique beginning', () => {
    expect(parse('m 2 --si 5').maybe('size')).toBe('5')
    expect(parse('m 2 --datastore mysql').maybe('datastore')).toBe('mysql')
    expect(() => parse('m 2 --datas x')).toThrow(
      'ambiguous option: --datas could match --datastore, --datastore_version',
    )
  })

  test('collects an option that may repeat', () => {
    expect(parse('m 2 --nic net-id=a --nic=port-id=b').many('nic')).toEqual(['net-id=a', 'port-id=b'])
  })

  test('takes numbers below zero for words, and anything behind --', () => {
    expect(parse('m -1').one('flavor')).toBe('-1')
    const args = parse('--size 1 -- -m --wait')
    expect([args.one('name'), args.one('flavor'), args.has('wait')]).toEqual(['-m', '--wait', false])
  })

  test('says what is missing, unknown or too much, in the words that scripts know', () => {
    expect(() => parse('m')).toThrow('the following arguments are required: <flavor>')
    expect(() => parse('m 2 x y')).toThrow('unrecognized arguments: x y')
    expect(() => parse('m 2 --json')).toThrow('unrecognized arguments: --json')
    expect(() => parse('m 2 --size')).toThrow('argument --size: expected one argument')
    expect(() => parse('m 2 --size --wait')).toThrow('argument --size: expected one argument')
    expect(() => parse('m 2 --users')).toThrow('argument --users: expected at least one argument')
    expect(() => parse('m 2 --wait=1')).toThrow("argument --wait: ignored explicit argument '1'")
  })

  test('gives back any words whatever they are', () => {
    const text = fc.string({ minLength: 1 })
    fc.assert(
      fc.property(text, text, fc.array(text), (name, flavor, nics) => {
        const options = nics.map((nic) => `--nic=${nic}`)
        const { args } = parseArguments(create, [...options, '--', name, flavor])
        expect([args.one('name'), args.one('flavor'), args.many('nic')]).toEqual([name, flavor, nics])
      }),
    )
  })
})

describe.each(commands.map((command) => [command.name, command] as const))('%s', (_name, command) => {
  const words = (command.positionals ?? []).flatMap(({ many }, at) =>
    many === true ? [`w${at}`, `v${at}`] : [`w${at}`],
  )
  const options = (command.options ?? []).flatMap(({ names, takes }) =>
    takes === 'flag'
      ? [names[0] ?? '']
      : takes === 'many'
        ? [names[0] ?? '', 'a', 'b']
        : [names[0] ?? '', 'a'],
  )
  const grammar = { positionals: command.positionals ?? [], options: command.options ?? [] }

  test('takes each of its words and options', () => {
    const { args } = parseArguments(grammar, [...words, ...options])
    for (const { name } of command.positionals ?? []) expect(args.has(name)).toBe(true)
    for (const { names } of command.options ?? []) {
      expect(args.has((names[0] ?? '').slice(2).replaceAll('-', '_'))).toBe(true)
    }
  })

  test.runIf(words.length > 0)('wants its words', () => {
    expect(() => parseArguments(grammar, [])).toThrow('the following arguments are required: <')
  })

  test('has help that ends with a full stop, and options without two of a name', () => {
    const texts = [command, ...(command.positionals ?? []), ...(command.options ?? [])].map(
      ({ help }) => help,
    )
    for (const text of texts) expect(text).toMatch(/^\S.*[.]$/s)
    const names = (command.options ?? []).flatMap((option) => option.names)
    expect(new Set(names).size).toBe(names.length)
  })
})

test('only the last word of a command takes all the rest', () => {
  for (const { positionals = [] } of commands) {
    expect(
      positionals.slice(0, -1).filter(({ many, optional }) => many === true || optional === true),
    ).toEqual([])
  }
})

test('no two commands share a name', () => {
  const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases])
  expect(new Set(names).size).toBe(names.length)
})
