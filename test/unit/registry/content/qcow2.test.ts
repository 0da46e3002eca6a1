import { mkdtempSync } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { type Bytes, openBytes } from '../../../../registry/images/content/bytes.ts'
import { qcow2Disk } from '../../../../registry/images/content/qcow2/disk.ts'
import { inMemory, tool, writeAt } from './make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'qcow2-'))
afterAll(() => removeTree(home))

const raw = join(home, 'disk.raw')
/** Ends inside a cluster. */
const SIZE = 5 * 1024 ** 2 + 1536
let bytes = Buffer.alloc(0)

beforeAll(async () => {
  await writeFile(raw, '')
  await truncate(raw, SIZE)
  // Text, noise that does not compress, and holes between.
  await writeAt(raw, Buffer.from('coffer '.repeat(30_000)), 70_000)
  await writeAt(raw, noise(400_000), 1_500_000)
  await writeAt(raw, noise(3000), SIZE - 3000)
  bytes = await readFile(raw)
})

function noise(length: number): Buffer {
  let state = 1
  return Buffer.from(
    Array.from({ length }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return state >> 16
    }),
  )
}

let turn = 0
async function converted(options: string, ...words: string[]): Promise<string> {
  const file = join(home, `${turn++}.qcow2`)
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', ...words, '-o', options, raw, file)
  return file
}

function all(disk: Bytes): Buffer {
  return disk.read(0, disk.size)
}

describe('what a guest sees in a qcow2 file is what qemu-img reads from it', () => {
  test.each([
    ['not compressed', 'compat=1.1', []],
    ['of the older revision', 'compat=0.10', []],
    ['compressed with zlib', 'compression_type=zlib', ['-c']],
    ['compressed with zlib, of the older revision', 'compat=0.10', ['-c']],
    ['compressed with zstd', 'compression_type=zstd', ['-c']],
    ['compressed with zstd in large clusters', 'compression_type=zstd,cluster_size=256k', ['-c']],
    ['of the smallest clusters', 'cluster_size=512', []],
    ['of the largest clusters', 'cluster_size=2M', ['-c']],
    ['with subclusters', 'extended_l2=on,cluster_size=128k', []],
    ['with subclusters, compressed', 'extended_l2=on,cluster_size=128k', ['-c']],
    ['with all clusters reserved', 'preallocation=metadata', []],
    ['with lazy counters', 'lazy_refcounts=on', []],
  ])('%s', async (_what, options, words) => {
    const file = await converted(options, ...words)
    const judge = join(home, 'judge.raw')
    await tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', file, judge)
    const disk = qcow2Disk(openBytes(file))
    expect(disk.size).toBe(bytes.length)
    const seen = all(disk)
    expect(seen.equals(await readFile(judge))).toBe(true)
    expect(seen.equals(bytes)).toBe(true)
  })

  test('after the disk grew, was written to and had parts taken out', async () => {
    const file = await converted('compression_type=zstd', '-c')
    await tool('qemu-img', 'resize', '-f', 'qcow2', file, '9M')
    await tool(
      'qemu-io',
      ...[
        '-f',
        'qcow2',
        '-c',
        'write -P 7 1000000 300000',
        '-c',
        'write -z 1600000 200000',
        '-c',
        'discard 0 1M',
        file,
      ],
    )
    const judge = join(home, 'grown.raw')
    await tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', file, judge)
    expect(all(qcow2Disk(openBytes(file))).equals(await readFile(judge))).toBe(true)
  })

  test('from any place to any other', async () => {
    const disks = [
      await converted('compression_type=zstd', '-c'),
      await converted('extended_l2=on,cluster_size=16k'),
    ].map((file) => qcow2Disk(openBytes(file)))
    const places = fc.tuple(fc.nat(SIZE), fc.nat(200_000))
    fc.assert(
      fc.property(places, fc.constantFrom(...disks), ([offset, length], disk) => {
        const end = Math.min(SIZE, offset + length)
        return disk.read(offset, end - offset).equals(bytes.subarray(offset, end))
      }),
    )
  })
})

test('what is behind the end of the disk cannot be read', async () => {
  const disk = qcow2Disk(openBytes(await converted('compat=1.1')))
  expect(() => disk.read(SIZE - 10, 11)).toThrow(/bytes/)
  expect(() => disk.read(-1, 1)).toThrow(CofferError)
})

test('a file that refers to another is refused', async () => {
  const file = join(home, 'overlay.qcow2')
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', file)
  expect(() => qcow2Disk(openBytes(file))).toThrow(/backing file/)
  const split = join(home, 'split.qcow2')
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', `data_file=${home}/data.raw`, split, '1M')
  expect(() => qcow2Disk(openBytes(split))).toThrow(/external data file/)
})

test('a damaged file gives an error of ours or some content, and never more than its size', async () => {
  const files = await Promise.all([
    converted('compression_type=zstd', '-c').then((file) => readFile(file)),
    converted('compression_type=zlib', '-c').then((file) => readFile(file)),
    converted('extended_l2=on,cluster_size=16k').then((file) => readFile(file)),
  ])
  const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      (file, changes) => {
        const copy = Buffer.from(file)
        // Half of the changes where the tables are.
        for (const [at, mask] of changes) {
          const place = at % (at % 2 === 0 ? copy.length : Math.min(copy.length, 300_000))
          copy[place] = (copy[place] ?? 0) ^ mask
        }
        try {
          const disk = qcow2Disk(inMemory(copy))
          for (let at = 0; at < Math.min(disk.size, 2 * SIZE); at += 65_536) {
            disk.read(at, Math.min(65_536, disk.size - at))
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CofferError)
        }
      },
    ),
    { numRuns: 150 },
  )
})
