import { hash, randomBytes } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { formatIndex, parseIndex } from '../../builder/output/cluster-index.ts'
import { compressIntoQcow2, rangesOf } from '../../builder/output/qcow2-write.ts'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { workDirectory } from './harness.ts'

const directory = await workDirectory()
const MIB = 1024 ** 2

/** A disk of holes, zeros that are written, text, noise that does not get smaller, and an end in the middle of a cluster. */
async function makeDisk(path: string): Promise<void> {
  const disk = await open(path, 'w')
  const text = Buffer.from('the same again, '.repeat(2 ** 16))
  try {
    await disk.write(text, 0, text.length, 0)
    await disk.write(Buffer.alloc(MIB), 0, MIB, 3 * MIB)
    await disk.write(randomBytes(MIB), 0, MIB, 7 * MIB + 4096)
    for (let at = 0; at < 200; at++) await disk.write(text, 0, 1000 + at, 20 * MIB + at * 3 * 4096)
    await disk.write(randomBytes(100), 0, 100, 70 * MIB)
    await disk.truncate(90 * MIB + 1536)
  } finally {
    await disk.close()
  }
}

test.each([
  ['zlib', '64k', '1.1'],
  ['zlib', '64k', '0.10'],
  ['zlib', '512', '1.1'],
  ['zstd', '64k', '1.1'],
  ['zstd', '256k', '1.1'],
  ['zstd', '2M', '1.1'],
])(
  'QEMU finds the disk in an image of %s and clusters of %s (compat %s)',
  async (compression, cluster, compat) => {
    const rawPath = join(directory, 'disk.raw')
    await makeDisk(rawPath)
    const type = compression === 'zlib' ? [] : [`compression_type=${compression}`]
    const options = [`cluster_size=${cluster}`, `compat=${compat}`, ...type].join(',')
    const digests: string[] = []
    for (const cores of [1, 3]) {
      const image = join(directory, `disk-${cores}.qcow2`)
      const size = String(90 * MIB + 1536)
      await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, image, size])
      await compressIntoQcow2({ rawPath, image, cores })
      // Exits with an error for clusters that nobody uses too, and for differences.
      await run(['qemu-img', 'check', '-q', '-f', 'qcow2', image])
      await run(['qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', rawPath, image])
      digests.push(await digestFile(image))
    }
    expect(new Set(digests).size).toBe(1)
  },
)

describe.each(['zlib', 'zstd'])('with an earlier image (%s)', (compression) => {
  const rawPath = join(directory, `again-${compression}.raw`)
  const at = (name: string) => join(directory, `${name}-${compression}`)
  const size = 90 * MIB + 1536

  /** @returns its digest */
  async function imageOf(name: string, earlier?: string, cluster = '64k'): Promise<string> {
    const image = at(name)
    const how = `cluster_size=${cluster},compression_type=${compression}`
    await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', how, image, String(size)])
    const known = earlier === undefined ? undefined : { image: at(earlier), index: at(`${earlier}.index`) }
    const reuse = { index: at(`${name}.index`), earlier: known }
    await compressIntoQcow2({ rawPath, image, cores: 2, reuse })
    return await digestFile(image)
  }

  async function change(path: string, offset: number, bytes: Buffer): Promise<void> {
    const file = await open(path, 'r+')
    await file.write(bytes, 0, bytes.length, offset)
    await file.close()
  }

  let wanted: string
  beforeAll(async () => {
    await makeDisk(rawPath)
    await imageOf('earlier')
    await imageOf('other', undefined, '128k')
    // Something new, something gone, something that was a hole, and something that was elsewhere.
    await change(rawPath, 100_000, Buffer.from('changed'))
    await change(rawPath, 7 * MIB + 4096, Buffer.alloc(65_536 * 2))
    await change(rawPath, 50 * MIB, Buffer.from('here'.repeat(9000)))
    await change(rawPath, 60 * MIB, Buffer.from('the same again, '.repeat(2 ** 14)))
    wanted = await imageOf('wanted')
  })

  test('the image is the same as without it, and so is its index', async () => {
    expect(await imageOf('again', 'earlier')).toBe(wanted)
    await run(['qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', rawPath, at('again')])
    expect(await digestFile(at('again.index'))).toBe(await digestFile(at('wanted.index')))
  })

  test('nothing is compressed that the index knows', async () => {
    // An image with other bytes behind each digest: where they come out, they were taken.
    const kind = { clusterSize: 65_536, compression: compression as 'zlib' | 'zstd' }
    const records = [...parseIndex(await readFile(at('wanted.index')), kind).values()]
    const packed = Buffer.from('taken')
    const taken = records.map((record) => ({
      digest: record.subarray(0, 32),
      packedDigest: hash('sha256', packed, 'buffer'),
      offset: 0,
      length: packed.length,
    }))
    await writeFile(at('marked'), packed)
    await writeFile(at('marked.index'), formatIndex(kind, taken))
    await imageOf('from-marked', 'marked')
    const clusters = (await readFile(at('from-marked'))).toString('latin1').split('taken').length - 1
    expect(clusters).toBeGreaterThan(40)
  })

  test('nothing is taken from what is damaged, cut off, of other clusters, no image, or gone', async () => {
    const bytes = await readFile(at('earlier'))
    const index = await readFile(at('earlier.index'))
    const damaged = Buffer.from(bytes)
    for (let offset = 70_000; offset < 900_000; offset += 700) damaged[offset] = ~(damaged[offset] ?? 0)
    const cases: readonly [name: string, image: Buffer, index: Buffer][] = [
      ['damaged', damaged, index],
      ['short', bytes.subarray(0, 100_000), index],
      ['short-index', bytes, index.subarray(0, index.length - 7)],
      ['no-index', bytes, Buffer.from('no index')],
      ['empty', Buffer.alloc(0), Buffer.alloc(0)],
      ['other-kind', bytes, await readFile(at('other.index'))],
    ]
    for (const [name, image, itsIndex] of cases) {
      await writeFile(at(name), image)
      await writeFile(at(`${name}.index`), itsIndex)
    }
    for (const name of [...cases.map(([each]) => each), 'nowhere']) {
      expect([name, await imageOf(`from-${name}`, name)]).toEqual([name, wanted])
    }
  })
})

test('an empty disk gives an image without clusters', async () => {
  const rawPath = join(directory, 'empty.raw')
  const disk = await open(rawPath, 'w')
  await disk.truncate(MIB)
  await disk.close()
  const image = join(directory, 'empty.qcow2')
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, String(MIB)])
  await compressIntoQcow2({ rawPath, image, cores: 2 })
  await run(['qemu-img', 'check', '-q', image])
  await run(['qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', rawPath, image])
})

test('an abort ends it', async () => {
  const rawPath = join(directory, 'long.raw')
  await makeDisk(rawPath)
  const image = join(directory, 'long.qcow2')
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, String(90 * MIB + 1536)])
  await expect(
    compressIntoQcow2({ rawPath, image, cores: 2, signal: AbortSignal.abort(new Error('enough')) }),
  ).rejects.toThrow('enough')
})

test('a disk that cannot be read is an error', async () => {
  const image = join(directory, 'lost.qcow2')
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '1M'])
  await expect(
    compressIntoQcow2({ rawPath: join(directory, 'nowhere.raw'), image, cores: 2 }),
  ).rejects.toThrow(/nowhere\.raw/)
})

test('each cluster is in one range, however extents lie', () => {
  const ranges = [
    ...rangesOf(
      [
        { start: 0, length: 100 },
        { start: 300, length: 800 },
        { start: 5_000_000, length: 9_000_000 },
      ],
      512,
      4096,
    ),
  ]
  expect(ranges.slice(0, 2)).toEqual([
    { first: 0, count: 1 },
    { first: 1, count: 2 },
  ])
  const clusters = ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at))
  expect(new Set(clusters).size).toBe(clusters.length)
  expect(clusters.at(-1)).toBe(Math.ceil(14_000_000 / 512) - 1)
})
