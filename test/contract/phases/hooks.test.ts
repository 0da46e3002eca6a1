import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { indexElements } from '../../../phases/elements.ts'
import { planHooks, writeHooks } from '../../../phases/hooks.ts'
import { installTypeLinks } from '../../../phases/install-types.ts'
import { makePlan } from '../../../phases/plan.ts'
import { elementInfoEnvironment, resolveElements, withDriverElements } from '../../../phases/resolve.ts'
import { makeTree } from '../../unit/phases/element-tree.ts'
import { realDib, unlessReal } from './real-dib.ts'

const SCRIPT = '#!/bin/bash\n'

/** Every path below a directory with its mode, type, link text and time. */
async function listing(directory: string): Promise<string[]> {
  const result = await run(['find', directory, '-mindepth', '1', '-printf', '%P %m %y %l %s %T@\n'])
  // The times of directories right below depend on when they were made.
  return result.stdout
    .split('\n')
    .map((line) => (/^\S+ \d+ d/.test(line) ? line.replace(/ \S+ \S+$/, '') : line))
    .sort()
}

/** Lets the real driver's function flatten elements into a directory. */
async function flattenReal(
  elements: readonly { name: string; path: string }[],
  hooks: string,
): Promise<void> {
  await run(
    ['bash', '-c', 'set -e; source "$1"; umask 022; generate_hooks', 'flatten', realDib?.functions ?? ''],
    {
      env: {
        PATH: process.env.PATH,
        TMP_HOOKS_PATH: hooks,
        'BASH_FUNC_get_image_element_array%%': elementInfoEnvironment(elements).function,
      },
    },
  )
}

describe.skipIf(realDib === undefined)(`flattening beside the real driver${unlessReal}`, () => {
  test('elements that do not meet make the same directory', async () => {
    const root = await makeTree({
      'a/install.d/10-a': SCRIPT,
      'a/install.d/.hidden': SCRIPT,
      'a/install.d/link': { link: '10-a' },
      'a/install.d/dangling': { link: 'nowhere' },
      'a/install.d/a-source-install/50-x': { text: SCRIPT, mode: 0o750 },
      'a/static/etc/.deep': 'x\n',
      'a/tests/x': '',
      'a/__pycache__/x': '',
      'a/module.pyc': '',
      'a/README.rst': 'a\n',
      'shared/20-b': SCRIPT,
      'b/install.d': { link: '../shared' },
      'b/static/etc/b': 'b\n',
      'b/made-up/b': 'b\n',
    })
    const elements = ['a', 'b'].map((name) => ({ name, path: join(root, name) }))
    await run(['find', root, '-exec', 'touch', '-h', '-d', '2015-04-29T10:00:00Z', '{}', '+'])
    await flattenReal(elements, join(root, 'theirs'))
    await writeHooks(await planHooks(elements), join(root, 'ours'))
    expect(await listing(join(root, 'ours'))).toEqual(await listing(join(root, 'theirs')))
  })

  test('a clash has the same text', async () => {
    const root = await makeTree({ 'a/install.d/50-same': SCRIPT, 'b/install.d/50-same': SCRIPT })
    const elements = ['a', 'b'].map((name) => ({ name, path: join(root, name) }))
    const theirs = await flattenReal(elements, join(root, 'theirs')).catch((error: unknown) => error)
    expect(theirs).toMatchObject({ code: 'COMMAND_FAILED' })
    await expect(planHooks(elements)).rejects.toMatchObject({
      message: 'There is a duplicated hook in your elements: /install.d/50-same',
    })
  })

  test('every distribution of the package flattens and plans without a warning of ours', async () => {
    const index = await indexElements([realDib?.elements ?? ''])
    for (const os of ['debian', 'debian-minimal', 'ubuntu', 'ubuntu-minimal', 'fedora-minimal', 'opensuse']) {
      const named = withDriverElements([os, 'vm', 'simple-init'], { skipBase: false, arch: 'amd64' })
      const elements = resolveElements(index, named)
      const hooks = await planHooks(elements)
      const plan = makePlan({ elements, hooks, environment: {}, arch: 'amd64' })
      expect([os, plan.warnings]).toEqual([os, []])
    }
  })
})

describe.skipIf(realDib === undefined)(`install types beside the real element${unlessReal}`, () => {
  test.each([
    ['nothing chosen', {}],
    ['another default', { DIB_DEFAULT_INSTALLTYPE: 'package' }],
    ['one chosen', { DIB_INSTALLTYPE_guest_agent: 'package' }],
    ['a type nobody offers', { DIB_INSTALLTYPE_cloud: 'snap' }],
  ])('%s: the same links', async (_, environment: Readonly<Record<string, string>>) => {
    const root = await makeTree({
      'a/install.d/guest-agent-source-install/31-agent': SCRIPT,
      'a/install.d/guest-agent-source-install/agent.service': '',
      'a/install.d/guest-agent-package-install/31-agent': SCRIPT,
      'a/install.d/cloud-source-install/50-cloud': SCRIPT,
      'a/install.d/40-plain': SCRIPT,
    })
    const hooks = await planHooks([{ name: 'a', path: join(root, 'a') }])
    await mkdir(join(root, 'hooks'))
    await writeHooks(hooks, join(root, 'hooks'))
    await run([join(realDib?.elements ?? '', 'install-types/extra-data.d/99-enable-install-types')], {
      env: {
        PATH: process.env.PATH,
        DIB_DEBUG_TRACE: '0',
        DIB_DEFAULT_INSTALLTYPE: 'source',
        ...environment,
        TMP_HOOKS_PATH: join(root, 'hooks'),
      },
    })
    const links = await run([
      'find',
      join(root, 'hooks/install.d'),
      '-type',
      'l',
      '-printf',
      'install.d/%P -> %l\n',
    ])
    expect(
      installTypeLinks(hooks, environment)
        .map(({ destination, target }) => `${destination} -> ${target}\n`)
        .sort(),
    ).toEqual(links.stdout.match(/.+\n/g)?.sort())
  })
})
