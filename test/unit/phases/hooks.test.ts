import { lstat, readdir, readFile, readlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { type HookFile, planHooks, writeHooks } from '../../../phases/hooks.ts'
import { makeTree, type Tree } from './element-tree.ts'

const SCRIPT = '#!/bin/bash\n'

async function flatten(files: Tree, ...elements: string[]): Promise<HookFile[]> {
  const root = await makeTree(files)
  return planHooks(elements.map((name) => ({ name, path: join(root, name) })))
}

const destinations = (files: readonly HookFile[]) => files.map((file) => file.destination)

test('directories of elements merge into one, each file with its mode and its element', async () => {
  const files = await flatten(
    {
      'a/install.d/10-a': SCRIPT,
      'a/install.d/data': 'x\n',
      'b/install.d/20-b': SCRIPT,
      'b/bin/tool': SCRIPT,
    },
    'a',
    'b',
  )
  expect(files.map(({ destination, element, kind, mode }) => [destination, element, kind, mode])).toEqual([
    ['bin', 'b', 'directory', 0o755],
    ['bin/tool', 'b', 'file', 0o755],
    ['install.d', 'a', 'directory', 0o755],
    ['install.d/10-a', 'a', 'file', 0o755],
    ['install.d/20-b', 'b', 'file', 0o755],
    ['install.d/data', 'a', 'file', 0o644],
  ])
})

test('two datastores with a script of one name cannot be in one image: both elements are named', async () => {
  const root = await makeTree({
    'ubuntu-mysql/install.d/30-mysql': SCRIPT,
    'ubuntu-percona/install.d/30-mysql': SCRIPT,
  })
  const elements = ['ubuntu-mysql', 'ubuntu-percona'].map((name) => ({ name, path: join(root, name) }))
  await expect(planHooks(elements)).rejects.toMatchObject({
    code: 'HOOK_DUPLICATE',
    message: 'There is a duplicated hook in your elements: /install.d/30-mysql',
    hint: `Elements ubuntu-mysql and ubuntu-percona both have it (${root}/ubuntu-mysql/install.d/30-mysql, ${root}/ubuntu-percona/install.d/30-mysql): rename one, or leave one element out.`,
  })
})

test.each(['bin/tool', 'environment.d/10-x', 'made-up/data'])(
  'the rule holds in every directory, not in phases only: %s',
  async (path) => {
    const files = { [`a/${path}`]: 'a\n', [`b/${path}`]: 'b\n' }
    await expect(flatten(files, 'a', 'b')).rejects.toMatchObject({ code: 'HOOK_DUPLICATE' })
  },
)

test('a link to a file clashes like a file; a link to nothing is replaced', async () => {
  const linked = {
    'a/install.d/10-x': { link: '../bin/x' },
    'a/bin/x': SCRIPT,
    'b/install.d/10-x': SCRIPT,
  }
  await expect(flatten(linked, 'a', 'b')).rejects.toMatchObject({ code: 'HOOK_DUPLICATE' })
  const dangling = { 'a/install.d/10-x': { link: 'nowhere' }, 'b/install.d/10-x': SCRIPT }
  const files = await flatten(dangling, 'a', 'b')
  expect(files.find((file) => file.destination === 'install.d/10-x')).toMatchObject({
    element: 'b',
    replaces: { element: 'a' },
  })
})

test('deeper files and files at the top replace those of earlier elements, and the plan records it', async () => {
  const files = await flatten(
    {
      'a/static/etc/motd': 'a\n',
      'a/static/etc/only-a': 'a\n',
      'a/README.rst': 'a\n',
      'b/static/etc/motd': 'b\n',
      'b/README.rst': 'b\n',
    },
    'a',
    'b',
  )
  const replaced = files.filter((file) => file.replaces !== undefined)
  expect(
    replaced.map(({ destination, element, replaces }) => [destination, element, replaces?.element]),
  ).toEqual([
    ['README.rst', 'b', 'a'],
    ['static/etc/motd', 'b', 'a'],
  ])
  expect(destinations(files)).toContain('static/etc/only-a')
})

test('dot-files right inside a directory stay behind; deeper ones and those at the top come along', async () => {
  const files = await flatten(
    { 'a/static/.hidden': '', 'a/static/etc/.kept': '', 'a/.gitignore': '', 'a/.git/HEAD': '' },
    'a',
  )
  expect(destinations(files)).toEqual(['.gitignore', 'static', 'static/etc', 'static/etc/.kept'])
})

test('tests, __pycache__ and compiled Python at the top are no hooks', async () => {
  const files = await flatten(
    { 'a/tests/x': '', 'a/__pycache__/y': '', 'a/module.pyc': '', 'a/install.d/tests/z': '' },
    'a',
  )
  expect(destinations(files)).toEqual(['install.d', 'install.d/tests', 'install.d/tests/z'])
})

test('a linked directory at the top is that directory; deeper it stays a link', async () => {
  const files = await flatten(
    {
      'shared/10-x': SCRIPT,
      'shared/sub/file': '',
      'shared/link': { link: 'sub' },
      'a/install.d': { link: '../shared' },
    },
    'a',
  )
  expect(files.map(({ destination, kind }) => [destination, kind])).toEqual([
    ['install.d', 'directory'],
    ['install.d/10-x', 'file'],
    ['install.d/link', 'symlink'],
    ['install.d/sub', 'directory'],
    ['install.d/sub/file', 'file'],
  ])
})

test('where a directory of one element meets a file of another, both are named', async () => {
  await expect(flatten({ 'a/static/etc/x/y': '', 'b/static/etc/x': '' }, 'a', 'b')).rejects.toMatchObject({
    code: 'HOOK_KIND_CONFLICT',
    message: 'static/etc/x is a directory in element a and a file in element b',
  })
})

test('a pipe in an element is refused instead of hanging the build', async () => {
  const root = await makeTree({ 'a/install.d/': '' })
  await run(['mkfifo', '--', join(root, 'a/install.d/pipe')])
  await expect(planHooks([{ name: 'a', path: join(root, 'a') }])).rejects.toMatchObject({
    code: 'HOOK_NOT_A_FILE',
  })
})

test('names with blanks are names like others', async () => {
  const files = await flatten({ 'a/static/etc/with blank/a file': '' }, 'a')
  expect(destinations(files).at(-1)).toBe('static/etc/with blank/a file')
})

test('written hooks have the modes, links and times of the elements, and parents that allow it', async () => {
  const root = await makeTree({
    'a/install.d/10-a': { text: SCRIPT, mode: 0o4750 },
    'a/install.d/link': { link: '10-a' },
    'a/static/locked/file': { text: 'x\n', mode: 0o400 },
    'a/element-deps': 'base\n',
  })
  const old = new Date('2015-04-29T10:00:00Z')
  await run(['chmod', '0555', '--', join(root, 'a/static/locked')])
  await utimes(join(root, 'a/install.d/10-a'), old, old)
  await utimes(join(root, 'a/static/locked'), old, old)

  const hooks = join(root, 'hooks')
  await writeHooks(await planHooks([{ name: 'a', path: join(root, 'a') }]), hooks)
  expect((await readdir(hooks)).sort()).toEqual(['element-deps', 'install.d', 'static'])
  const script = await lstat(join(hooks, 'install.d/10-a'))
  expect([script.mode & 0o7777, script.mtime]).toEqual([0o4750, old])
  const locked = await lstat(join(hooks, 'static/locked'))
  expect([locked.mode & 0o7777, locked.mtime]).toEqual([0o555, old])
  expect(await readlink(join(hooks, 'install.d/link'))).toBe('10-a')
  expect(await readFile(join(hooks, 'static/locked/file'), 'utf8')).toBe('x\n')
})

test('written files belong to the user who builds, whoever owns the element', async () => {
  const root = await makeTree({ 'a/install.d/10-a': SCRIPT })
  if (process.getuid?.() === 0) await run(['chown', '-R', '1234:1234', '--', join(root, 'a')])
  await writeHooks(await planHooks([{ name: 'a', path: join(root, 'a') }]), join(root, 'hooks'))
  expect((await lstat(join(root, 'hooks/install.d/10-a'))).uid).toBe(process.getuid?.())
})
