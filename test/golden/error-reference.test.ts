import { readFileSync } from 'node:fs'
import { globSync } from 'glob'
import { expect, test } from 'vitest'
import { FAULTS } from '../../runtime/model/faults.ts'
import { errorTable } from '../../tools/error-reference.ts'

const root = new URL('../..', import.meta.url).pathname
const [thrown = '', faults = ''] = errorTable().split('## Faults of the API')
const rowsOf = (table: string) =>
  table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | '))
const rows = rowsOf(thrown)

test('every code has one row, and every row a message and a file', () => {
  const codes = rows.map(([code = '']) => code)
  expect(codes.length).toBeGreaterThan(50)
  expect(new Set(codes).size).toBe(codes.length)
  expect(
    rows.filter(([, message = '', files = '']) => message.trim() === '' || !files.includes('.ts')),
  ).toEqual([])
})

test('every fault of the API has its status and a text', () => {
  expect(rowsOf(faults)).toHaveLength(Object.keys(FAULTS).length)
  for (const [, status, text = ''] of rowsOf(faults)) {
    expect(status).toMatch(/^[45]\d\d$/)
    expect(text).not.toMatch(/^ *\|?$/)
  }
})

test('no code that stands in the sources is missing', () => {
  const listed = new Set(rows.map(([code = '']) => code.replace(/[^A-Z0-9_]/g, '')))
  const written = globSync('{lib,phases,builder,registry,runtime}/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(/new CofferError\(\s*'([A-Z0-9_]+)'/g)].map(
      (match) => match[1] ?? '',
    ),
  )
  expect(written.length).toBeGreaterThan(50)
  expect(written.filter((code) => !listed.has(code))).toEqual([])
})

test('an error that a helper makes has the messages of its callers', () => {
  const message = (code: string) => rows.find(([name]) => name === `| \`${code}\``)?.[1]
  expect(message('BLOCK_DEVICE_CONFIG_INVALID')).toContain('An MBR holds at most four primary partitions')
  expect(message('OPTION_INVALID')).toContain("…: unrecognized option '…'")
  expect(message('COMMAND_NOT_FOUND')).toBe('…: command not found')
})
