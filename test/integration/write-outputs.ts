// node write-outputs.ts TREE DIRECTORY SECONDS: a disk and its outputs, in a process of its own so that a test can give it
// another clock, other processors and another environment. Prints a digest for each file.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { flatten, parseConfig } from '../../builder/blockdevice/config.ts'
import { buildGraph } from '../../builder/blockdevice/graph.ts'
import { identitiesFrom } from '../../builder/blockdevice/identity.ts'
import { layOut } from '../../builder/blockdevice/layout.ts'
import { writeImageFile } from '../../builder/blockdevice/write-file.ts'
import { rawOutputs, treeOutputs } from '../../builder/output/index.ts'
import { digestFile } from '../../lib/hash.ts'
import { lineLog } from '../../lib/log.ts'

const HYBRID = new URL('../../elements/block-device-hybrid/block-device-default.yaml', import.meta.url)

const [tree = '', directory = '', seconds = ''] = process.argv.slice(2)
const sourceDate = Number(seconds)
const log = lineLog(() => undefined)
const params = { rootFsType: 'ext4', rootFsOpts: '-i 4096 -J size=4', identify: identitiesFrom('test') }
const layout = layOut(
  buildGraph(flatten(parseConfig(await readFile(HYBRID, 'utf8')), params), params),
  64 * 1024 ** 2,
)
const rawPath = join(directory, 'disk')
const unreproducible = await writeImageFile({
  layout,
  tree,
  rawPath,
  sourceDate,
  boot: { arch: 'amd64' },
  log,
})

const common = { log, sourceDate, overwrite: true }
const named = (name: string) => ({ ...common, imageName: join(directory, name) })
await treeOutputs({ ...named('image'), types: ['tar', 'squashfs'], tree })
await treeOutputs({ ...named('image'), types: ['tgz'], tree })
await rawOutputs({ ...named('zlib'), types: ['qcow2'], rawPath })
const qemuImgOptions = 'compression_type=zstd,cluster_size=256k'
await rawOutputs({ ...named('zstd'), types: ['qcow2'], rawPath, qemuImgOptions })
await rawOutputs({ ...named('plain'), types: ['qcow2', 'raw'], rawPath, compress: false })

const files = (await readdir(directory)).sort()
const sums = await Promise.all(files.map(async (name) => [name, await digestFile(join(directory, name))]))
process.stdout.write(JSON.stringify({ sums: Object.fromEntries(sums), unreproducible }))
