import { hash } from 'node:crypto'
import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { formatIndex, parseIndex } from '../../builder/output/cluster-index.ts'
import { digestFile } from '../../lib/hash.ts'
import { withElements } from './engine-elements.ts'
import { workDirectory } from './harness.ts'
import { cachedBuilds, script } from './step-cache-support.ts'

const work = await workDirectory()
const element = (text: string) => withElements(work, { 'late/install.d/50-late': script(text) })
const { built } = cachedBuilds(work, await element('echo one > /etc/late'))
const image = `${work}/image.qcow2`
/** DIB's compression, and qemu-img's size of clusters. */
const kind = { clusterSize: 65_536, compression: 'zlib' } as const

test('a changed build takes what has not changed from the last image, and gives the image of a build without a cache', async () => {
  await built(['late'], { type: 'qcow2' })
  await element('echo two > /etc/late')
  await built(['late'], { type: 'qcow2' })
  const again = await digestFile(image)
  await built(['late'], { type: 'qcow2', cache: '--no-cache' })
  expect(await digestFile(image)).toBe(again)

  // Where the kept images had other bytes, the next one has them too.
  const packed = Buffer.from('taken from the last image')
  const packedDigest = hash('sha256', packed, 'buffer')
  const indexes = globSync(`${work}/cache/steps/artifacts/*/image.qcow2.clusters`)
  expect(indexes).toHaveLength(2)
  for (const path of indexes) {
    const known = [...parseIndex(await readFile(path), kind).values()]
    const marked = known.map((record) => ({
      digest: record.subarray(0, 32),
      packedDigest,
      offset: 0,
      length: packed.length,
    }))
    await writeFile(path, formatIndex(kind, marked))
    await writeFile(path.replace('.clusters', ''), packed)
  }
  await element('echo three > /etc/late')
  await built(['late'], { type: 'qcow2' })
  expect((await readFile(image)).includes(packed)).toBe(true)
})
