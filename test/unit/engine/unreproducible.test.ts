import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseUnreproducible, unreproduciblePaths } from '../../../builder/engine/unreproducible.ts'

let work: string
const put = async (path: string, text = '') => {
  await mkdir(dirname(join(work, path)), { recursive: true })
  await writeFile(join(work, path), text)
}
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'unreproducible-'))
})
afterEach(() => rmSync(work, { recursive: true }))

const named = (elements: readonly string[]) =>
  unreproduciblePaths(
    elements.map((name) => ({ name, path: join(work, 'elements', name) })),
    join(work, 'tree'),
  )

test('names what elements declare and what is known, if it is there', async () => {
  await put(
    'elements/db/unreproducible',
    '# why\n\n/var/lib/db*  holds random ids \n/var/lib/other holds more\n',
  )
  await put('elements/plain/README.rst')
  await put('tree/var/lib/db-1/file')
  await put('tree/etc/ssh/ssh_host_rsa_key')
  await put('tree/etc/ssh/ssh_host_rsa_key.pub')
  await put('tree/etc/ssh/sshd_config')
  expect(await named(['db', 'plain'])).toEqual([
    { path: '/etc/ssh/ssh_host_rsa_key', reason: expect.stringContaining('runtime-ssh-host-keys') },
    { path: '/etc/ssh/ssh_host_rsa_key.pub', reason: expect.stringContaining('runtime-ssh-host-keys') },
    { path: '/var/lib/db-1', reason: 'holds random ids' },
  ])
})

test('a path below a named one is not named again', async () => {
  await put('elements/db/unreproducible', '/var/lib/db/keys holds keys\n/var/lib/db holds ids\n')
  await put('tree/var/lib/db/keys')
  expect((await named(['db'])).map(({ path }) => path)).toEqual(['/var/lib/db'])
})

test('no link leads out of the tree', async () => {
  await put('elements/db/unreproducible', '/link/file holds ids\n')
  await put('elsewhere/file')
  await mkdir(join(work, 'tree'))
  symlinkSync(join(work, 'elsewhere'), join(work, 'tree/link'))
  expect(await named(['db'])).toEqual([])
})

test('a lock keeps what an element says so of', () => {
  expect(parseUnreproducible('lock /var/lib/db  holds ids\n/lock holds more\n', 'db')).toEqual([
    { path: '/var/lib/db', reason: 'holds ids', lock: true },
    { path: '/lock', reason: 'holds more', lock: false },
  ])
})

test.each([
  'relative/path holds ids',
  'lock relative/path holds ids',
  'lock /no/reason',
  '/no/reason',
  '/no/reason   ',
])('refuses the line %j', (line) => {
  expect(() => parseUnreproducible(`# comment\n${line}\n`, 'db')).toThrow(
    expect.objectContaining({
      code: 'UNREPRODUCIBLE_FILE_INVALID',
      message: expect.stringContaining('element db'),
    }),
  )
})
