import { join } from 'node:path'
import { expect, test } from 'vitest'
import { planHooks } from '../../../phases/hooks.ts'
import { installTypeLinks } from '../../../phases/install-types.ts'
import { makeTree, type Tree } from './element-tree.ts'

const SCRIPT = '#!/bin/bash\n'
const agent: Tree = {
  'agent/install.d/guest-agent-source-install/31-agent': SCRIPT,
  'agent/install.d/guest-agent-source-install/agent.service': '',
  'agent/install.d/guest-agent-source-install/.hidden': '',
  'agent/install.d/guest-agent-package-install/31-agent': SCRIPT,
  'agent/install.d/cloud-source-install/50-cloud': SCRIPT,
}

async function targets(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await makeTree(agent)
  const hooks = await planHooks([{ name: 'agent', path: join(root, 'agent') }])
  return installTypeLinks(hooks, environment).map(({ destination, target }) => `${destination} -> ${target}`)
}

test('without a choice everything of type source is linked, data too, dot-files not', async () => {
  expect(await targets({})).toEqual([
    'install.d/50-cloud -> cloud-source-install/50-cloud',
    'install.d/31-agent -> guest-agent-source-install/31-agent',
    'install.d/agent.service -> guest-agent-source-install/agent.service',
  ])
})

test('the default type may be another', async () => {
  expect(await targets({ DIB_DEFAULT_INSTALLTYPE: 'package' })).toEqual([
    'install.d/31-agent -> guest-agent-package-install/31-agent',
  ])
})

test('a variable chooses for one prefix, hyphens as underscores', async () => {
  expect(await targets({ DIB_INSTALLTYPE_guest_agent: 'package' })).toEqual([
    'install.d/50-cloud -> cloud-source-install/50-cloud',
    'install.d/31-agent -> guest-agent-package-install/31-agent',
  ])
})

test('a type that an element does not offer links nothing of it', async () => {
  expect(await targets({ DIB_INSTALLTYPE_guest_agent: 'snap' })).toEqual([
    'install.d/50-cloud -> cloud-source-install/50-cloud',
  ])
})

test('a link knows whose file it shows and which type chose it', async () => {
  const root = await makeTree(agent)
  const hooks = await planHooks([{ name: 'agent', path: join(root, 'agent') }])
  expect(installTypeLinks(hooks, { DIB_INSTALLTYPE_cloud: 'source' })[0]).toEqual({
    destination: 'install.d/50-cloud',
    target: 'cloud-source-install/50-cloud',
    element: 'agent',
    type: 'source',
  })
})
