// Our `trove` and the one of Debian's python3-troveclient ask the same service; what both print must be the same table. Debian's
// prints texts as Python bytes (b'm1'); they are read as the texts they stand for. docs/reference/trove.md lists what differs.
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { bookRoutes } from '../unit/runtime/cli/trove/book-service.ts'
import { type CannedService, startCannedService } from '../unit/runtime/cli/trove/canned-service.ts'
import { openrc } from '../unit/runtime/cli/trove/run.ts'

const THEIRS = '/usr/bin/trove'
const OURS = new URL('../../runtime/bin/trove', import.meta.url).pathname

let service: CannedService
let home: string
beforeAll(async () => {
  if (!existsSync(THEIRS))
    throw new Error('This test needs Debian’s python3-troveclient: apt-get install python3-troveclient')
  service = await startCannedService(bookRoutes)
  home = mkdtempSync(join(tmpdir(), 'coffer-parity-'))
})
afterAll(async () => {
  await service.stop()
  await removeTree(home)
})

async function ask(program: string, line: string) {
  const env = { ...openrc(service.url), PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' }
  const { stdout, stderr, exitCode } = await run([program, ...line.split(' ')], { check: false, env })
  return { stdout, stderr, exitCode }
}

type Table = readonly (readonly string[])[]

/** Rows of all tables of an output: the cells, bytes read as text. */
function tables(text: string): Table {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^b(['"])(.*)\1$/, '$2')),
    )
}

/** Without the columns or properties that only theirs has. */
function without(table: Table, extra: readonly string[]): Table {
  const keep = (table[0] ?? []).map((title) => !extra.includes(title))
  return table
    .filter(([first]) => !extra.includes(first ?? ''))
    .map((row) => row.filter((_, column) => keep[column] ?? true))
}

describe('the same table', () => {
  test.each<[line: string, ...extra: string[]]>([
    ['list', 'Region'],
    ['show m1', 'region'],
    ['create m6 2 --size 2 --datastore mysql --databases a b --users u:p v:w', 'region'],
    ['datastore-list'],
    ['datastore-show mysql'],
    ['datastore-version-list mysql'],
    ['datastore-version-show 5.5 --datastore mysql', 'links'],
    ['flavor-list'],
    ['flavor-show 2', 'links'],
    ['database-list m1'],
    ['user-list m1'],
    ['user-show-access m1 user1'],
    ['root-enable m1'],
    ['root-show m1'],
    ['limit-list'],
    ['quota-show t1'],
    ['quota-update t1 instances 10'],
    ['backup-list'],
    ['backup-list-instance m1'],
    ['backup-show backup-1'],
    ['backup-create m1 b1'],
    ['configuration-list'],
    ['configuration-show special-configuration'],
    ['configuration-default m1'],
    ['configuration-instances special-configuration'],
    ['configuration-parameter-list 5.5 --datastore mysql'],
    ['configuration-parameter-show 79c5e43b-d7d0-4137-af20-84d75c485c56 autocommit'],
    ['cluster-list'],
    ['cluster-show mongo1', 'instance_count'],
    ['cluster-instances mongo1'],
    ['log-list m1'],
    ['log-show m1 general'],
    ['secgroup-list'],
    ['secgroup-show g1', 'links'],
    ['secgroup-list-rules g1'],
  ])('trove %s', async (line, ...extra) => {
    const [theirs, ours] = await Promise.all([ask(THEIRS, line), ask(OURS, line)])
    expect([ours.exitCode, theirs.exitCode]).toEqual([0, 0])
    const wanted = tables(theirs.stdout)
    expect(wanted.length).toBeGreaterThan(1)
    expect(tables(ours.stdout)).toEqual(without(wanted, extra))
    // Where no bytes widen a column, even the drawing is the same.
    if (extra.length === 0 && !theirs.stdout.includes("b'")) expect(ours.stdout).toBe(theirs.stdout)
  })
})

describe('the same JSON', () => {
  test.each([
    '--json list',
    '--json show m1',
    '--json database-list m1',
    '--json root-show m1',
    '--json datastore-list',
  ])('trove %s', async (line) => {
    const [theirs, ours] = await Promise.all([ask(THEIRS, line), ask(OURS, line)])
    expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(theirs.stdout))
    expect(ours.stdout.split('\n')[1]).toMatch(/^ {2}\S/)
  })
})

describe('the same error and status', () => {
  test.each([
    'show nope',
    'flavor-show nope',
    'backup-show nope',
    'cluster-show nope',
    'configuration-show nope',
    'root-show nope',
    'datastore-show nope',
    'create m1 2 --nic x=y',
    'user-update-attributes m1 user1',
    'datastore-version-show 5.5',
    'metadata-list m1',
    'help nope',
    '--os-region-name Nowhere list',
    '--os-password wrong list',
  ])('trove %s', async (line) => {
    const [theirs, ours] = await Promise.all([ask(THEIRS, line), ask(OURS, line)])
    const first = (text: string) => text.split('\n').find((each) => each.startsWith('ERROR: '))
    const text = first(theirs.stderr)
      ?.replace(/^ERROR: b(['"])(.*)\1$/, 'ERROR: $2')
      .replaceAll("\\'", "'")
    expect(text).toMatch(/^ERROR: ./)
    expect(first(ours.stderr)).toBe(text)
    expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1])
  })

  test.each(['create', 'nope', 'restart', 'database-list m1 --json', 'create m1 2 --size'])(
    'trove %s',
    async (line) => {
      const [theirs, ours] = await Promise.all([ask(THEIRS, line), ask(OURS, line)])
      const said = (text: string) => text.split('\n').filter((each) => /^(error:|Try )/.test(each))
      expect(said(theirs.stderr)).toHaveLength(2)
      expect(said(ours.stderr)).toEqual(said(theirs.stderr))
      expect([ours.exitCode, theirs.exitCode]).toEqual([2, 2])
    },
  )
})
