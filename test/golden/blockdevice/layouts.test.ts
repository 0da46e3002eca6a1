import { access, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { chooseConfig, flatten, parseConfig } from '../../../builder/blockdevice/config.ts'
import { buildGraph } from '../../../builder/blockdevice/graph.ts'
import { layOut } from '../../../builder/blockdevice/layout.ts'
import { sha256 } from '../../../lib/hash.ts'

const OURS = new URL('../../../elements/', import.meta.url).pathname
const DIB = '/usr/lib/python3/dist-packages/diskimage_builder/elements/'
const GIB = 1024 ** 3

/** A UUID that depends on the name of the thing only. */
const identify = (what: string): string =>
  sha256(what).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')

function layoutText(yaml: string, sizeBytes: number): string {
  const params = { rootFsType: 'ext4', rootFsOpts: '-i 4096 -J size=64', identify }
  const flattened = flatten(parseConfig(yaml), params)
  const layout = layOut(buildGraph(flattened, params), sizeBytes)
  const config = flattened.map(({ plugin, values }) => ({ [plugin]: values }))
  return stringify({ config, layout }, { aliasDuplicateObjects: false })
}

const members: readonly (readonly [string, string, number])[] = [
  ['block-device-mbr', 'default', 2 * GIB],
  ['block-device-mbr', 'ppc64el', 2 * GIB],
  ['block-device-gpt', 'default', 2 * GIB],
  ['block-device-gpt', 'ppc64el', 2 * GIB],
  ['block-device-efi', 'default', 2 * GIB],
]
const golden = (element: string, arch: string) => `./${element}-${arch}.yaml`

test.each([...members, ['block-device-hybrid', 'default', 2 * GIB]] as const)(
  'our %s (%s) gives the layout on record',
  async (element, arch, size) => {
    const yaml = await readFile(`${OURS}${element}/block-device-${arch}.yaml`, 'utf8')
    await expect(layoutText(yaml, size)).toMatchFileSnapshot(golden(element, arch))
  },
)

test('no element at all gives a file system on the whole disk', async () => {
  const { yaml } = await chooseConfig({ env: {}, elements: [], arch: 'amd64' })
  await expect(layoutText(yaml, 2 * GIB)).toMatchFileSnapshot('./none.yaml')
})

const haveDib = await access(DIB).then(
  () => true,
  () => false,
)

describe.skipIf(!haveDib)("disk-image-builder's own elements", () => {
  test.each([...members, ['block-device-efi-lvm', 'default', 45 * GIB]] as const)(
    '%s (%s) gives the same layout from the original file',
    async (element, arch, size) => {
      const yaml = await readFile(`${DIB}${element}/block-device-${arch}.yaml`, 'utf8')
      await expect(layoutText(yaml, size)).toMatchFileSnapshot(golden(element, arch))
    },
  )
})
