import { mkdtempSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { packageFacts, treeDistribution } from '../../../builder/engine/package-facts.ts'
import { run } from '../../../lib/exec.ts'
import { removeTree } from '../../../lib/tree.ts'

const home = mkdtempSync(join(tmpdir(), 'facts-'))
afterAll(() => removeTree(home))

let turn = 0
let tree = ''
beforeEach(() => {
  tree = join(home, String(turn++), 'tree')
})

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true })
  await writeFile(join(tree, path), text)
}

async function link(path: string, target: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true })
  await symlink(target, join(tree, path))
}

const status = (...names: readonly string[]) =>
  file(
    'var/lib/dpkg/status',
    names
      .map((name) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n`)
      .join('\n'),
  )

const copyright = (license: string) => `Format: 1.0\n\nFiles: *\nLicense: ${license}\n`

const licensesOf = async () =>
  Object.fromEntries((await packageFacts(tree)).map(({ name, licenses }) => [name, licenses]))

test('each package has the licences of its copyright file', async () => {
  await status('redis', 'plain', 'bare')
  await file('usr/share/doc/redis/copyright', copyright('BSD-3-clause'))
  await file('usr/share/doc/plain/copyright', 'See /usr/share/common-licenses/GPL-3.')
  expect(await packageFacts(tree)).toEqual([
    { name: 'bare', version: '1', architecture: 'amd64', licenses: [] },
    { name: 'plain', version: '1', architecture: 'amd64', licenses: [], mentionedLicenses: ['GPL-3'] },
    { name: 'redis', version: '1', architecture: 'amd64', licenses: ['BSD-3-clause'] },
  ])
})

test('documentation behind a link is found as the image would find it', async () => {
  await status('libgcc', 'absolute', 'file')
  await file('usr/share/doc/gcc-base/copyright', copyright('GPL-3+'))
  await link('usr/share/doc/libgcc', 'gcc-base')
  await link('usr/share/doc/absolute', '/usr/share/doc/gcc-base')
  await link('usr/share/doc/file/copyright', '../gcc-base/copyright')
  expect(await licensesOf()).toEqual({ libgcc: ['GPL-3+'], absolute: ['GPL-3+'], file: ['GPL-3+'] })
})

test('the name of a package is no path', async () => {
  await status('../../../../secret-package')
  await file('../secret-package/copyright', copyright('Secret'))
  expect(await packageFacts(tree)).toMatchObject([{ licenses: [] }])
})

test('no link leads out of the tree', async () => {
  await status('up', 'root', 'loop', 'deep')
  const secret = join(home, 'secret')
  await writeFile(secret, copyright('Secret'))
  await link('usr/share/doc/up/copyright', `../../../../${'../'.repeat(20)}${secret.slice(1)}`)
  await link('usr/share/doc/root/copyright', secret)
  await link('usr/share/doc/loop', 'loop')
  await link('usr/share/doc/deep', dirname(secret))
  expect(await licensesOf()).toEqual({ up: [], root: [], loop: [], deep: [] })
})

test('a FIFO, a directory or a giant file in its place is no copyright file', async () => {
  await status('fifo', 'directory', 'giant')
  await mkdir(join(tree, 'usr/share/doc/fifo'), { recursive: true })
  await run(['mkfifo', join(tree, 'usr/share/doc/fifo/copyright')], { env: { PATH: process.env.PATH } })
  await mkdir(join(tree, 'usr/share/doc/directory/copyright'), { recursive: true })
  await file('usr/share/doc/giant/copyright', `${copyright('GPL-2')}\n${' '.repeat(9 << 20)}`)
  expect(await licensesOf()).toEqual({ fifo: [], directory: [], giant: [] })
})

test('a tree without dpkg has no packages', async () => {
  await mkdir(tree, { recursive: true })
  expect(await packageFacts(tree)).toEqual([])
})

test('200 packages take no noticeable time', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `package-${at}`)
  await status(...names)
  const long = Array.from({ length: 100 }, (_, at) => `Files: f${at}\nLicense: GPL-${at}\n text\n`).join('\n')
  for (const name of names) await file(`usr/share/doc/${name}/copyright`, `Format: 1.0\n\n${long}`)
  const started = performance.now()
  expect(await packageFacts(tree)).toHaveLength(200)
  // The aim is 300 ms on an idle machine; this only tells a mistake from a busy one.
  expect(performance.now() - started).toBeLessThan(3000)
})

test.each([
  [
    'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    { id: 'debian', version: '12', codename: 'bookworm' },
  ],
  ["NAME='x'\nID='ubuntu'\nVERSION_ID=\"24.04\"\n", { id: 'ubuntu', version: '24.04' }],
  ['ID=debian\nVERSION_CODENAME=trixie/sid\n', { id: 'debian' }],
  ['ID="$(reboot)"\n', undefined],
])('the system is told by os-release: %j', async (text, expected) => {
  await file('usr/lib/os-release', text)
  await link('etc/os-release', '../usr/lib/os-release')
  expect(await treeDistribution(tree)).toEqual(expected)
})
