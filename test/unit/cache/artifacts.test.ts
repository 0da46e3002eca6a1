import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type Artifact,
  artifactKey,
  bringOutput,
  bringRecord,
  draftArtifact,
  findAlike,
  findArtifact,
  keepArtifact,
} from '../../../builder/cache/artifacts.ts'
import { cacheLayout } from '../../../builder/cache/layout.ts'
import { parseArtifact } from '../../../builder/cache/parse-meta.ts'
import { sha256 } from '../../../lib/hash.ts'
import { flipByte } from './flip-byte.ts'
import { cacheDirectory } from './samples.ts'

const key = artifactKey(sha256('tree'), { types: ['raw'] })
const text = 'an image\n'.repeat(1000)
const artifact: Artifact = {
  artifactVersion: 1,
  key,
  outputs: [{ suffix: '.raw', format: 'raw', bytes: text.length, sha256: sha256(text) }],
  created: '2026-01-01T00:00:00.000Z',
  bootId: 'boot',
}
const [output] = artifact.outputs
if (output === undefined) throw new Error('one output')

/** A cache that keeps an image, and where its files are. */
async function cacheWithImage(options: { readonly record?: boolean } = {}) {
  const directory = await cacheDirectory()
  const drafts = join(cacheLayout(directory).builds, 'build')
  const made = join(directory, 'made')
  await mkdir(join(made, 'db.d/dib-manifests'), { recursive: true })
  await mkdir(drafts, { recursive: true })
  await writeFile(join(made, 'db.raw'), text)
  await writeFile(join(made, 'db.d/manifest.json'), '{}')
  const record = options.record === false ? undefined : join(made, 'db.d')
  const keep = async () => {
    const draft = await draftArtifact(drafts, [{ path: join(made, 'db.raw'), suffix: '.raw' }])
    await keepArtifact(directory, draft, artifact, record)
  }
  await keep()
  return { directory, drafts, made, keep, image: join(cacheLayout(directory).artifact(key), 'image.raw') }
}

test('an image comes back as it was, with its record', async () => {
  const { directory, drafts } = await cacheWithImage()
  const found = await findArtifact(directory, key, true)
  expect(found).toEqual(artifact)
  const target = join(directory, 'again.raw')
  expect(await bringOutput(directory, artifact, output, target)).toBe(true)
  expect(await readFile(target, 'utf8')).toBe(text)
  await bringRecord(directory, artifact, join(directory, 'again.d'))
  expect(await readdir(join(directory, 'again.d'))).toEqual(['manifest.json'])
  expect(await readdir(drafts)).toEqual([])
})

test('another way to make files of the same tree is another image', () => {
  const keys = [
    artifactKey(sha256('tree'), { types: ['raw'], size: 4 }),
    artifactKey(sha256('tree'), { types: ['qcow2'], size: 4 }),
    artifactKey(sha256('tree'), { types: ['raw'], size: 5 }),
    artifactKey(sha256('another tree'), { types: ['raw'], size: 4 }),
  ]
  expect(new Set(keys).size).toBe(4)
})

test('the newest image that was made in the same way is found', async () => {
  const directory = await cacheDirectory()
  const drafts = join(cacheLayout(directory).builds, 'build')
  await mkdir(drafts, { recursive: true })
  const made = join(directory, 'made')
  await writeFile(made, text)
  const keep = async (name: string, created: string, how: Partial<Artifact>) => {
    const own = { ...artifact, key: sha256(name), created, ...how }
    await keepArtifact(
      directory,
      await draftArtifact(drafts, [{ path: made, suffix: '.raw' }]),
      own,
      undefined,
    )
    return join(cacheLayout(directory).artifact(own.key), 'image.raw')
  }
  await keep('old', '2026-01-01T00:00:00.000Z', { alike: 'this' })
  const newest = await keep('new', '2026-03-01T00:00:00.000Z', { alike: 'this' })
  await keep('older', '2026-02-01T00:00:00.000Z', { alike: 'this' })
  await keep('other', '2026-04-01T00:00:00.000Z', { alike: 'that' })
  await keep('of an earlier program', '2026-05-01T00:00:00.000Z', {})
  expect(await findAlike(directory, 'this', '.raw')).toBe(newest)
  expect(await findAlike(directory, 'this', '.qcow2')).toBeUndefined()
  expect(await findAlike(directory, 'none', '.raw')).toBeUndefined()
})

test('an image of another key is not there', async () => {
  const { directory } = await cacheWithImage()
  expect(await findArtifact(directory, sha256('other'), false)).toBeUndefined()
  // The same directory, another key: names of directories are shortened.
  expect(await findArtifact(directory, `${key.slice(0, 32)}${'0'.repeat(32)}`, false)).toBeUndefined()
})

test('an image that was kept without its record does not do for a build that records', async () => {
  const { directory } = await cacheWithImage({ record: false })
  expect(await findArtifact(directory, key, true)).toBeUndefined()
  expect(await findArtifact(directory, key, false)).toEqual(artifact)
})

test('a damaged image is noticed on the way out, and dropped', async () => {
  const { directory, image } = await cacheWithImage()
  await flipByte(image, 4000)
  expect(await bringOutput(directory, artifact, output, join(directory, 'again.raw'))).toBe(false)
  expect(await readdir(cacheLayout(directory).artifacts)).toEqual([])
  expect(await findArtifact(directory, key, false)).toBeUndefined()
})

test('an image that was cut off is not offered', async () => {
  const { directory, image } = await cacheWithImage()
  await truncate(image, 100)
  expect(await findArtifact(directory, key, false)).toBeUndefined()
})

test('an image that is kept again replaces the old one', async () => {
  const { directory, keep, image } = await cacheWithImage()
  await truncate(image, 100)
  await keep()
  expect(await findArtifact(directory, key, true)).toEqual(artifact)
  expect(await readFile(image, 'utf8')).toBe(text)
})

test.each([
  '',
  'null',
  '{}',
  JSON.stringify({ ...artifact, artifactVersion: 2 }),
  JSON.stringify({ ...artifact, key: 'short' }),
  JSON.stringify({ ...artifact, outputs: {} }),
  JSON.stringify({ ...artifact, outputs: [{ ...output, suffix: '/../../x' }] }),
  JSON.stringify({ ...artifact, outputs: [{ ...output, sha256: '' }] }),
])('a meta.json that is %j is left alone', async (meta) => {
  expect(parseArtifact(JSON.stringify(artifact))).toEqual(artifact)
  expect(parseArtifact(meta)).toBeUndefined()
  const { directory } = await cacheWithImage()
  await writeFile(join(cacheLayout(directory).artifact(key), 'meta.json'), meta)
  expect(await findArtifact(directory, key, false)).toBeUndefined()
})
