// What it takes to compress a raw disk into a qcow2 image: qemu-img on all processors (which leaves the clusters in any order),
// this project's writer, and the same with an image of the disk at hand, as when a build is repeated with little changed.
//
//   tools/node test/bench/qcow2.ts disk.raw [rounds] [-o cluster_size=256k]
//
// Each round runs all of them, for zlib and zstd; medians are printed. Images lie beside the disk and are deleted.
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { IndexedImage } from '../../builder/output/cluster-index.ts'
import { compressIntoQcow2 } from '../../builder/output/qcow2-write.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { options: { type: 'string', short: 'o' } },
})
const [rawPath, rounds = '3'] = positionals
if (rawPath === undefined) {
  process.stderr.write('usage: tools/node test/bench/qcow2.ts disk.raw [rounds] [-o options]\n')
  process.exit(2)
}
const size = String((await stat(rawPath)).size)
const directory = await mkdtemp(join(dirname(rawPath), 'bench-'))
const rows = new Map<string, { seconds: number[]; bytes: number }>()
try {
  for (let round = 0; round < Number(rounds); round++) {
    for (const compression of ['zlib', 'zstd']) await playRound(rawPath, compression)
  }
} finally {
  await removeTree(directory)
}
process.stdout.write('| | seconds | MiB |\n| --- | ---: | ---: |\n')
for (const [name, { seconds, bytes }] of rows) {
  const median = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0
  process.stdout.write(`| ${name} | ${median.toFixed(2)} | ${(bytes / 1024 ** 2).toFixed(1)} |\n`)
}

async function playRound(raw: string, compression: string): Promise<void> {
  const options = [
    `compression_type=${compression}`,
    ...(values.options === undefined ? [] : [values.options]),
  ].join(',')
  const image = join(directory, 'image.qcow2')
  const earlier = join(directory, 'earlier.qcow2')
  await measure(`${compression}, qemu-img`, image, async () => {
    const how = ['-c', '-m', '16', '-W', '-f', 'raw', '-O', 'qcow2', '-o', options] as const
    await run(['qemu-img', 'convert', ...how, raw, image])
  })
  const index = join(directory, 'index')
  const write = async (known?: IndexedImage) => {
    await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, image, size])
    const cores = availableParallelism()
    await compressIntoQcow2({ rawPath: raw, image, cores, reuse: { index, earlier: known } })
  }
  await measure(`${compression}, coffer`, image, write)
  await rename(image, earlier)
  await rename(index, `${earlier}.index`)
  await measure(`${compression}, coffer, with an equal image at hand`, image, () =>
    write({ image: earlier, index: `${earlier}.index` }),
  )
}

async function measure(name: string, image: string, action: () => Promise<void>): Promise<void> {
  await rm(image, { force: true })
  const started = performance.now()
  await action()
  const seconds = (performance.now() - started) / 1000
  const row = rows.get(name) ?? { seconds: [], bytes: 0 }
  rows.set(name, { seconds: [...row.seconds, seconds], bytes: (await stat(image)).size })
}
