import { readFileSync } from 'node:fs'
import { globSync } from 'glob'
import { describe, expect, test } from 'vitest'
import { parseValidationRules } from '../../../registry/parameters/rules.ts'

const wrap = (...entries: object[]) => JSON.stringify({ 'configuration-parameters': entries })

test('rules are read as the book shows them', () => {
  const text = wrap(
    { name: 'innodb_file_per_table', restart_required: true, max: 1, min: 0, type: 'integer' },
    { name: 'sql_mode', restart_required: false, type: 'string' },
  )
  expect(parseValidationRules(text, 'rules')).toEqual([
    { name: 'innodb_file_per_table', restartRequired: true, type: 'integer', min: '0', max: '1' },
    { name: 'sql_mode', restartRequired: false, type: 'string', min: null, max: null },
  ])
})

test('numbers past 2^53 keep their digits', () => {
  const text =
    '{"configuration-parameters":[{"name":"a","type":"integer","min":0,"max":18446744073709551615}]}'
  expect(parseValidationRules(text, 'rules')[0]?.max).toBe('18446744073709551615')
})

describe('a file that holds none is refused with the reason', () => {
  test.each([
    ['{', /JSON/],
    ['[]', /no list/],
    ['null', /no list/],
    [wrap({ type: 'string' }), /entry 1: it has no name/],
    [wrap({ name: 'a', type: 'colour' }), /the type of a is colour/],
    [wrap({ name: 'a', type: 'integer', max: [1] }), /bound/],
    [wrap({ name: 'a', type: 'string' }, { name: 'a', type: 'string' }), /a is listed twice/],
  ])('%s', (text, reason) => {
    expect(() => parseValidationRules(text, 'rules.json')).toThrow(reason)
  })
})

const files = globSync('registry/datastores/*/validation-rules.json', {
  cwd: new URL('../../..', import.meta.url).pathname,
})

test('there are rules for the datastores that have configuration groups', () => {
  expect(files.map((file) => file.split('/')[2]).sort()).toEqual([
    'mariadb',
    'mysql',
    'percona',
    'postgresql',
    'redis',
  ])
})

test.each(files)('%s can be read, and its bounds are in order', (file) => {
  const rules = parseValidationRules(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'), file)
  expect(rules.length).toBeGreaterThan(30)
  for (const { name, type, min, max } of rules) {
    expect(type === 'integer', `${name} has bounds`).toBe(min !== null && max !== null)
    if (min !== null && max !== null) expect(BigInt(min) <= BigInt(max), name).toBe(true)
  }
})
