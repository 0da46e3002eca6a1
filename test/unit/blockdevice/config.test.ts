import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chooseConfig, flatten, parseConfig } from '../../../builder/blockdevice/config.ts'

let elements: { name: string; path: string }[]
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  elements = [
    { name: 'base', path: join(directory, 'base') },
    { name: 'disk', path: directory },
  ]
  await writeFile(join(directory, 'block-device-default.yaml'), 'default')
  await writeFile(join(directory, 'block-device-ppc64el.yaml'), 'power')
})

afterAll(() => rm(directory, { recursive: true }))

test('DIB_BLOCK_DEVICE_CONFIG is the configuration itself and wins over every element', async () => {
  const env = { DIB_BLOCK_DEVICE_CONFIG: '- local_loop:\n    name: image0\n' }
  expect(await chooseConfig({ env, elements, arch: 'amd64' })).toEqual({
    yaml: env.DIB_BLOCK_DEVICE_CONFIG,
    source: 'DIB_BLOCK_DEVICE_CONFIG',
  })
})

test('DIB_BLOCK_DEVICE_CONFIG may name a file', async () => {
  const path = join(directory, 'block-device-ppc64el.yaml')
  const env = { DIB_BLOCK_DEVICE_CONFIG: `file://${path}` }
  expect((await chooseConfig({ env, elements, arch: 'amd64' })).yaml).toBe('power')
})

test('a named file that does not exist is a clear error', async () => {
  const env = { DIB_BLOCK_DEVICE_CONFIG: 'file:///nowhere/disk.yaml' }
  await expect(chooseConfig({ env, elements, arch: 'amd64' })).rejects.toMatchObject({
    code: 'BLOCK_DEVICE_CONFIG_UNREADABLE',
    message: 'The block device configuration /nowhere/disk.yaml cannot be read: ENOENT',
  })
})

test.each([
  ['amd64', 'default'],
  ['ppc64el', 'power'],
  ['ppc64le', 'power'],
])('on %s the element gives its file for the architecture, else its default (%s)', async (arch, yaml) => {
  expect((await chooseConfig({ env: {}, elements, arch })).yaml).toBe(yaml)
})

test('without any configuration the disk is one file system with no partition table', async () => {
  const { yaml } = await chooseConfig({ env: {}, elements: [], arch: 'amd64' })
  const flat = flatten(parseConfig(yaml), { rootFsType: 'ext4' })
  expect(flat.map(({ plugin, values }) => [plugin, values.name, values.base])).toEqual([
    ['fstab', 'fstab_mount_mkfs_root', 'mount_mkfs_root'],
    ['mount', 'mount_mkfs_root', 'mkfs_root'],
    ['mkfs', 'mkfs_root', 'image0'],
    ['local_loop', 'image0', undefined],
  ])
})

test.each([
  ['- text', 'Config entry not a dict: text'],
  ["- [a, 'b']", "Config entry not a dict: ['a', 'b']"],
  [
    '- {mkfs: {}, mount: null}',
    "Config entry top-level should be a single dict: {'mkfs': {}, 'mount': None}",
  ],
  ['- luks: {name: x}', "Config entry is not a plugin value: {'luks': {'name': 'x'}}"],
  ['local_loop: 1', "A block device configuration is a list of entries, not: {'local_loop': 1}"],
  ['', 'A block device configuration is a list of entries, not: None'],
  ['- mkfs: ext4', "The values of 'mkfs' are not a dict: ext4"],
])('the configuration %j is refused with: %s', (yaml, message) => {
  expect(() => parseConfig(yaml)).toThrow(
    expect.objectContaining({ code: 'BLOCK_DEVICE_CONFIG_INVALID', message }),
  )
})

test('text that is not YAML is refused in one sentence that says where', () => {
  const attempt = () => parseConfig('- local_loop:\n    name: image0\n  - bad: [1\n')
  expect(attempt).toThrow(expect.objectContaining({ code: 'BLOCK_DEVICE_CONFIG_YAML' }))
  expect(attempt).toThrow(
    /^The block device configuration is not valid YAML at line \d+, column \d+: [^\n]+$/,
  )
})

test('YAML is read as DIB reads it: version 1.1, but y and n are text, and the last of equal keys counts', () => {
  const yaml = '- mkfs: {name: a, on: yes, off: [y, n, Y, no], number: 0x10, name: b}'
  expect(parseConfig(yaml)[0]?.values).toEqual({
    name: 'b',
    true: true,
    false: ['y', 'n', 'Y', false],
    number: 16,
  })
})
