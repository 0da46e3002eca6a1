import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { openImage } from '../../../../registry/images/content/open.ts'
import { inspectImage } from '../../../../registry/images/facts/inspection.ts'
import { guestTree, RECORD, REDIS } from '../content/guest-tree.ts'
import { extImage, type Files, writeFiles } from '../content/make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'facts-'))
afterAll(() => removeTree(home))

let turn = 0
async function guest(files: Files) {
  turn += 1
  const tree = await guestTree(join(home, String(turn)), [REDIS], files)
  return openImage(await extImage(join(home, `${turn}.raw`), tree, { mebibytes: 4 }))
}

test('what the image notes of its agent counts before what is found in the files', async () => {
  const image = await guest({ 'usr/lib/coffer/agent/versions': 'AGENT=1.2.3+aaaaaaaaaaaa\nNODE=v24.22.1\n' })
  expect(inspectImage(image)).toMatchObject({ agentVersion: '1.2.3+aaaaaaaaaaaa', nodeVersion: '24.22.1' })
  expect(inspectImage(await guest({}))).toMatchObject({
    agentVersion: '0.1.0+0123456789ab',
    nodeVersion: '24.21.0',
  })
  expect(inspectImage(image, { record: RECORD })).toMatchObject({
    nodeVersion: '24.0.0',
    builderVersion: '0.1.0',
  })
})

test('kernels are told by their images and their modules', async () => {
  const image = await guest({ 'boot/vmlinuz-6.12': 'kernel', 'usr/lib/modules/6.13/modules.dep': '' })
  expect(inspectImage(image).kernels).toEqual([
    {
      release: '6.1.0-56-amd64',
      image: '/boot/vmlinuz-6.1.0-56-amd64',
      initrd: '/boot/initrd.img-6.1.0-56-amd64',
      modules: true,
    },
    { release: '6.12', image: '/boot/vmlinuz-6.12', modules: false },
    { release: '6.13', modules: true },
  ])
})

test('an image of something else has none of it, and that is no error', async () => {
  const tree = await writeFiles(join(home, 'bare'), {
    'usr/lib/coffer/datastore': 'no assignment',
    'etc/os-release': 'x',
  })
  const facts = inspectImage(openImage(await extImage(join(home, 'bare.raw'), tree, { mebibytes: 1 })))
  expect(facts).toMatchObject({ kernels: [], notes: [], fileSystem: { type: 'ext4' } })
  for (const absent of ['os', 'engine', 'agentVersion', 'packages', 'elements'])
    expect(facts).not.toHaveProperty(absent)
})

test('changes that only a journal knows are told', async () => {
  expect(inspectImage(await guest({})).notes).toEqual([])
  const tree = await guestTree(join(home, 'journal'), [])
  const file = await extImage(join(home, 'journal.raw'), tree, {
    mebibytes: 8,
    debugfs: ['feature needs_recovery'],
  })
  expect(inspectImage(openImage(file)).notes).toEqual([
    'the journal is not empty: the newest changes are not seen',
  ])
})
