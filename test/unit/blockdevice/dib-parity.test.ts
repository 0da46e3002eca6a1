import { access, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { getval } from '../../../builder/blockdevice/getval.ts'
import { buildGraph } from '../../../builder/blockdevice/graph.ts'
import { layOut } from '../../../builder/blockdevice/layout.ts'
import { writePartitionTable } from '../../../builder/blockdevice/partition-table.ts'
import { GPT_TYPE_CODES, gptTypeGuid } from '../../../builder/blockdevice/partition-types.ts'
import { rawFile } from '../../../builder/blockdevice/raw-file.ts'
import { run } from '../../../lib/exec.ts'

const DIB = '/usr/lib/python3/dist-packages/diskimage_builder'
const present = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
const haveDib = await present(DIB)
const haveSgdisk = await present('/usr/sbin/sgdisk')
const MIB = 1024 * 1024

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
})
afterAll(() => rm(directory, { recursive: true }))

/** The real program on a configuration: config.json after init, and values. */
async function realDib(yaml: string, symbols: readonly string[]) {
  const build = await mkdtemp(join(directory, 'build-'))
  await writeFile(join(build, 'config.yaml'), yaml)
  await writeFile(
    join(build, 'params.yaml'),
    `config: ${build}/config.yaml\nimage-dir: ${build}\nroot-fs-type: ext4\nroot-label:\nmount-base: ${build}/mnt\nbuild-dir: ${build}\n`,
  )
  const dib = (...words: string[]) =>
    run(
      ['/usr/bin/python3', `${DIB}/lib/dib-block-device.py`, '--params', `${build}/params.yaml`, ...words],
      {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    )
  await dib('init')
  const config: unknown = JSON.parse(await readFile(`${build}/states/block-device/config.json`, 'utf8'))
  const values: string[] = []
  for (const symbol of symbols) values.push((await dib('getval', symbol)).stdout.trimEnd())
  return { config, values }
}

const CREATE_ORDER = `
import json, sys, yaml
from diskimage_builder.block_device.config import config_tree_to_graph, create_graph
params = {'mount-base': '/m', 'image-dir': '/i', 'image-size': '1GiB'}
_, order = create_graph(config_tree_to_graph(yaml.safe_load(sys.stdin)), params, {})
print(json.dumps([node.name for node in order]))
`

const MBR_WRITER = `
import sys, yaml
from diskimage_builder.block_device.level1.mbr import MBR
path, size, align, parts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), yaml.safe_load(sys.argv[4])
with MBR(path, size, align) as mbr:
    for part in parts:
        mbr.add_partition(part['primary'], part['boot'], part['size'], part['type'])
`

describe.skipIf(!haveDib)('the same as the real disk-image-builder on this machine', () => {
  const shipped = haveDib
    ? ['mbr', 'gpt', 'efi'].map((name) => `${DIB}/elements/block-device-${name}/block-device-default.yaml`)
    : []

  test.each(shipped)('flattened configuration and values of %s', async (path) => {
    const yaml = await readFile(path, 'utf8')
    const symbols = ['root-label', 'root-fstype', 'mount-points']
    const real = await realDib(yaml, symbols)
    const flat = flatten(parseConfig(yaml), { rootFsType: 'ext4' })
    expect(flat.map(({ plugin, values }) => ({ [plugin]: values }))).toEqual(real.config)
    expect(symbols.map((symbol) => getval(symbol, { config: flat }))).toEqual(real.values)
  })

  test("order of creating for each of DIB's own test configurations", async () => {
    const configs = `${DIB}/block_device/tests/config`
    const names = (await readdir(configs)).filter((name) => name.endsWith('.yaml'))
    let compared = 0
    for (const name of names) {
      const yaml = await readFile(join(configs, name), 'utf8')
      const real = await run(['/usr/bin/python3', '-c', CREATE_ORDER], {
        input: yaml,
        env: { PATH: '/usr/bin:/bin' },
        check: false,
      })
      const ours = () => {
        const params = { rootFsType: 'ext4' }
        return buildGraph(flatten(parseConfig(yaml), {}), params).nodes
      }
      if (real.exitCode !== 0) {
        const message = real.stderr
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/^[\w.]+: /, '')
        expect(ours, name).toThrow(message)
      } else {
        // Mounts that are not inside each other have no fixed order in 3.13; ours is that of their paths.
        const free = (node: { kind: string }) => node.kind === 'mount' || node.kind === 'fstab'
        const mounts = new Set(
          ours()
            .filter(free)
            .map((node) => node.name),
        )
        const names = (JSON.parse(real.stdout) as string[]).filter((node) => !mounts.has(node))
        expect(
          ours()
            .filter((node) => !free(node))
            .map((node) => node.name),
          name,
        ).toEqual(names)
      }
      compared += 1
    }
    expect(compared).toBeGreaterThan(15)
  })

  test('the MBR on the disk, byte for byte of what the kernel reads, for any list of partitions', async () => {
    const part = fc.record({
      primary: fc.boolean(),
      boot: fc.boolean(),
      size: fc.integer({ min: 1, max: 60_000 }).map((sectors) => sectors * 512),
      type: fc.constantFrom(0x83, 0x0c, 0x8e),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 7 }),
        fc.constantFrom(1, 4),
        async (list, alignMib) => {
          const firstLogical = list.findIndex(({ primary }) => !primary)
          const parts = list.map((one, index) => ({
            ...one,
            primary: one.primary && index < 3 && (firstLogical < 0 || index < firstLogical),
          }))
          const primaries = parts.filter(({ primary }) => primary)
          const ordered = [...primaries, ...parts.filter(({ primary }) => !primary)]
          const size = 512 * MIB
          const yaml = `- local_loop: {name: image0}
- partitioning: {base: image0, label: mbr, align: ${alignMib}MiB, partitions: ${JSON.stringify(
            ordered.map((one, index) => ({
              name: `p${index}`,
              size: one.size,
              type: `0x${one.type.toString(16)}`,
              flags: [...(one.primary ? ['primary'] : []), ...(one.boot ? ['boot'] : [])],
            })),
          )}}`
          const layout = layOut(buildGraph(flatten(parseConfig(yaml), {}), {}), size)
          const ours = join(directory, 'ours.raw')
          const theirs = join(directory, 'theirs.raw')
          for (const path of [ours, theirs]) {
            await rm(path, { force: true })
            await writeFile(path, '')
            await truncate(path, size)
          }
          const table = layout.images[0]?.table
          if (table !== undefined) await writePartitionTable(table, rawFile(ours))
          await run([
            '/usr/bin/python3',
            '-c',
            MBR_WRITER,
            theirs,
            String(size),
            String(alignMib * MIB),
            JSON.stringify(ordered),
          ])
          const dump = async (path: string) =>
            (await run(['partx', '--raw', '--noheadings', '-o', 'NR,START,SECTORS,TYPE,FLAGS', '-g', path]))
              .stdout
          expect(await dump(ours)).toBe(await dump(theirs))
        },
      ),
      { numRuns: 5 },
    )
  })
})

test.skipIf(!haveSgdisk)('every GPT type code means what sgdisk means by it', async () => {
  const path = join(directory, 'types.raw')
  await writeFile(path, '')
  await truncate(path, 64 * MIB)
  const words = GPT_TYPE_CODES.flatMap((code, index) => [
    ...['-n', `${index + 1}:0:+1M`, '-t', `${index + 1}:${code}`],
  ])
  await run(['sgdisk', path, ...words])
  const { stdout } = await run(['sfdisk', '--json', path])
  const table = JSON.parse(stdout) as { partitiontable: { partitions: { type: string }[] } }
  expect(GPT_TYPE_CODES.map(gptTypeGuid)).toEqual(table.partitiontable.partitions.map(({ type }) => type))
})

test.each([
  ['0x4100', '4100'],
  ['ef00', 'EF00'],
  ['83', '8300'],
  ['0FC63DAF-8483-4772-8E79-3D69D8477DE4', '8300'],
])('the GPT type %s is the same as %s', (type, code) => {
  expect(gptTypeGuid(type)).toBe(gptTypeGuid(code))
})
