import { chmod, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { indexElements } from '../../../phases/elements.ts'
import { makeTree } from './element-tree.ts'

test('every directory is an element, with the names in its files, each once', async () => {
  const root = await makeTree({
    'app/element-deps': 'base\n\n  dpkg  \r\nbase\nvm',
    'app/element-provides': 'database\n',
    'empty/': '',
    'README.rst': 'not an element\n',
    dangling: { link: 'nowhere' },
  })
  const { elements } = await indexElements([root])
  expect([...elements.values()]).toEqual([
    {
      name: 'app',
      path: join(root, 'app'),
      dependencies: ['base', 'dpkg', 'vm'],
      provides: ['database'],
    },
    { name: 'empty', path: join(root, 'empty'), dependencies: [], provides: [] },
  ])
})

test('a linked element has the name of what it points to', async () => {
  const root = await makeTree({
    'store/app-2/element-deps': 'base\n',
    'path/app': { link: '../store/app-2' },
  })
  const { elements } = await indexElements([join(root, 'path')])
  expect([...elements.keys()]).toEqual(['app-2'])
  expect(elements.get('app-2')?.path).toBe(await realpath(join(root, 'store/app-2')))
})

test('the earliest entry of the search path wins, and each override is reported', async () => {
  const root = await makeTree({ 'first/vm/': '', 'second/vm/': '', 'third/vm/': '', 'third/base/': '' })
  const index = await indexElements(['first', 'second', 'third'].map((name) => join(root, name)))
  expect(index.elements.get('vm')?.path).toBe(join(root, 'first/vm'))
  expect(index.overrides).toEqual([
    { name: 'vm', path: join(root, 'second/vm'), overridden: join(root, 'third/vm') },
    { name: 'vm', path: join(root, 'first/vm'), overridden: join(root, 'second/vm') },
  ])
})

test('hidden elements stay known, in the order of the search path: package-installs reads them too', async () => {
  const root = await makeTree({ 'first/vm/': '', 'second/vm/': '', 'second/base/': '' })
  const { all } = await indexElements([join(root, 'first'), join(root, 'second')])
  expect(all.get('vm')).toEqual([join(root, 'first/vm'), join(root, 'second/vm')])
  expect(all.get('base')).toEqual([join(root, 'second/base')])
})

test('the same directory twice in the search path overrides nothing', async () => {
  const root = await makeTree({ 'a/vm/': '' })
  const index = await indexElements([join(root, 'a'), join(root, 'a')])
  expect(index.overrides).toEqual([])
  expect(index.all.get('vm')).toEqual([join(root, 'a/vm')])
})

test.each(['/nonexistent/elements', '/etc/passwd', ''])(
  'an entry that is not a directory is refused: %j',
  async (entry) => {
    await expect(indexElements([entry])).rejects.toMatchObject({
      code: 'ELEMENTS_PATH_INVALID',
      message: `ELEMENTS_PATH entry '${entry}' is not a directory`,
    })
  },
)

test('an empty search path is refused', async () => {
  await expect(indexElements([])).rejects.toMatchObject({
    code: 'ELEMENTS_PATH_EMPTY',
    message: '$ELEMENTS_PATH must be set.',
  })
})

test.each([0o000, 0o444, 0o311])(
  'a directory that may not be read is a clear error: mode %o',
  async (mode) => {
    const root = await makeTree({ 'closed/app/': '' })
    await chmod(root, 0o755)
    await chmod(join(root, 'closed'), mode)
    await asNobody(async () => {
      await expect(indexElements([join(root, 'closed')])).rejects.toMatchObject({
        code: 'ELEMENTS_PATH_UNREADABLE',
        message: `ELEMENTS_PATH entry '${join(root, 'closed')}' cannot be read`,
      })
    })
    await chmod(join(root, 'closed'), 0o755)
  },
)

/** Root may read everything, so a test of permissions runs as somebody else. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    await action()
  } finally {
    if (root) process.seteuid?.(0)
  }
}

test('an element-deps that is no file is a clear error', async () => {
  const root = await makeTree({ 'app/element-deps/': '' })
  await expect(indexElements([root])).rejects.toMatchObject({
    code: 'ELEMENT_UNREADABLE',
    message: expect.stringContaining(join(root, 'app/element-deps')),
  })
})
