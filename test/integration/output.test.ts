import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { outputFormats, qcow2Options, rawOutputs, treeOutputs } from '../../builder/output/index.ts'
import { cleanupStack } from '../../lib/cleanup.ts'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { lineLog } from '../../lib/log.ts'

// A small guest: files with owners, modes, capabilities, links, and the mount points whose contents stay out.
let fixture: string
let tree: string
let master: string
beforeAll(async () => {
  fixture = await mkdtemp(join(tmpdir(), 'output-fixture-'))
  tree = join(fixture, 'tree')
  for (const name of ['bin', 'etc', 'proc/1', 'sys/kernel', 'var/lib'])
    await mkdir(join(tree, name), { recursive: true })
  await writeFile(join(tree, '.hidden'), 'top-level dot-files belong to the image\n')
  await writeFile(join(tree, 'proc/1/status'), 'not for the image')
  await writeFile(join(tree, 'etc/shadow'), 'root:*:1::::::\n')
  await chown(join(tree, 'etc/shadow'), 0, 42)
  await chmod(join(tree, 'etc/shadow'), 0o640)
  await symlink('../etc/shadow', join(tree, 'var/link'))
  await writeFile(join(tree, 'var/lib/data'), Buffer.alloc(3 << 20, 'compressible '))
  await copyFile('/bin/true', join(tree, 'bin/ping'))
  await run(['setcap', 'cap_net_raw=ep', join(tree, 'bin/ping')])
  master = join(fixture, 'master.raw')
  await run(['truncate', '-s', '24M', master])
  await run(['mkfs.ext4', '-q', '-F', '-d', tree, master])
})
afterAll(() => rm(fixture, { recursive: true }))

let directory: string
let printed: string[]
beforeEach(async () => {
  directory = await mkdtemp(join(fixture, 'run-'))
  printed = []
})
const common = () => ({ imageName: join(directory, 'image'), log: lineLog((line) => printed.push(line)) })
const fromTree = (types: string[], more: Partial<Parameters<typeof treeOutputs>[0]> = {}) =>
  treeOutputs({ types, tree, ...common(), ...more })
/** Works on a copy of the raw image, since `raw` moves it. */
const fromRaw = async (types: string[], more: Partial<Parameters<typeof rawOutputs>[0]> = {}) => {
  const rawPath = join(directory, 'build.raw')
  await run(['cp', '--sparse=always', '--', master, rawPath])
  const made = await rawOutputs({ types, rawPath, ...common(), ...more })
  await rm(rawPath, { force: true })
  return made
}
const produced = async () => (await readdir(directory)).sort()
const info = async (file: string) =>
  JSON.parse((await run(['qemu-img', 'info', '--output=json', file])).stdout) as {
    format: string
    'format-specific'?: { data: Record<string, unknown> }
    'cluster-size'?: number
  }
const isSameDisk = async (file: string, format: string) =>
  (await run(['qemu-img', 'compare', '-f', 'raw', '-F', format, master, file], { check: false })).exitCode ===
  0

describe('formats made from the disk hold the same disk', () => {
  const qemuNames: Readonly<Record<string, string>> = { vhd: 'vpc' }
  const members = [...outputFormats.values()].filter(({ from }) => from === 'raw').map(({ name }) => name)
  test.each([...members, 'parallels'])('%s', async (type) => {
    const [output] = await fromRaw([type])
    const path = join(directory, `image.${type}`)
    expect(output).toEqual({ path, format: type, bytes: (await stat(path)).size })
    expect(await isSameDisk(path, qemuNames[type] ?? type)).toBe(true)
    expect(await produced()).toEqual([`image.${type}`])
    expect(printed.at(-1)).toBe(`Image file ${path} created...`)
  })

  test('vhd is a fixed disk of exactly the size of the raw one, plus its footer', async () => {
    const [output] = await fromRaw(['vhd'])
    expect(output?.bytes).toBe((await stat(master)).size + 512)
  })

  test('raw is moved, stays sparse, and comes last in whatever order', async () => {
    const rawPath = join(directory, 'build.raw')
    await run(['cp', '--sparse=always', '--', master, rawPath])
    const made = await rawOutputs({ types: ['raw', 'qcow2'], rawPath, ...common() })
    expect(made.map(({ format }) => format)).toEqual(['qcow2', 'raw'])
    expect(await produced()).toEqual(['image.qcow2', 'image.raw'])
    expect((await stat(join(directory, 'image.raw'))).blocks * 512).toBeLessThan(
      (await stat(master)).size / 2,
    )
  })
})

describe('qcow2', () => {
  const bytes = async (types: string[], more: Parameters<typeof fromRaw>[1] = {}) => {
    const made = await fromRaw(types, { overwrite: true, ...more })
    return made.find(({ format }) => format === 'qcow2')?.bytes ?? 0
  }

  test('is compressed wherever it stands in the list, and not with -u', async () => {
    const alone = await bytes(['qcow2'])
    expect(await bytes(['vmdk', 'qcow2'])).toBeLessThan(alone * 1.1)
    expect(await bytes(['qcow2'], { compress: false })).toBeGreaterThan(alone * 3)
  })

  test('zlib unless asked otherwise, so that old readers can read it', async () => {
    await fromRaw(['qcow2'])
    const details = (await info(join(directory, 'image.qcow2')))['format-specific']?.data
    expect(details).toMatchObject({ compat: '1.1', 'compression-type': 'zlib' })
  })

  test('of the old revision with compat=0.10', async () => {
    await fromRaw(['qcow2'], { qemuImgOptions: 'compat=0.10' })
    expect((await info(join(directory, 'image.qcow2')))['format-specific']?.data).toMatchObject({
      compat: '0.10',
    })
  })

  test('with zstd is the same file every time', async () => {
    const qemuImgOptions = qcow2Options({ zstd: true })
    const sums: string[] = []
    for (const _ of [1, 2]) {
      await fromRaw(['qcow2'], { qemuImgOptions, overwrite: true })
      sums.push(await digestFile(join(directory, 'image.qcow2')))
    }
    expect(sums[0]).toBe(sums[1])
    const details = await info(join(directory, 'image.qcow2'))
    expect(details).toMatchObject({
      'cluster-size': 262144,
      'format-specific': { data: { 'compression-type': 'zstd' } },
    })
  })

  test('options that only qcow2 knows do not stop a vmdk beside it; options none knows stop all', async () => {
    await fromRaw(['vmdk', 'qcow2'], { qemuImgOptions: 'compat=0.10' })
    expect(await produced()).toEqual(['image.qcow2', 'image.vmdk'])
    await expect(fromRaw(['vmdk', 'qcow2'], { qemuImgOptions: 'compta=0.10' })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    })
  })
})

describe('formats made from the tree hold the tree', () => {
  const listing = async (file: string) => (await run(['tar', '--numeric-owner', '-tvf', file])).stdout
  const members = async (file: string) => (await run(['tar', '-tf', file])).stdout.trimEnd().split('\n')

  test('tar: members start with ./, sorted, without /proc and /sys, with owners and capabilities', async () => {
    await fromTree(['tar'])
    const file = join(directory, 'image.tar')
    expect(await members(file)).toEqual([
      './',
      './.hidden',
      './bin/',
      './bin/ping',
      './etc/',
      './etc/shadow',
      './var/',
      './var/lib/',
      './var/lib/data',
      './var/link',
    ])
    expect(await listing(file)).toMatch(/^-rw-r----- 0\/42 .* \.\/etc\/shadow$/m)
    const out = join(directory, 'out')
    await mkdir(out)
    await run(['tar', '-C', out, '--xattrs', '--xattrs-include=*', '-xf', file])
    expect((await run(['getcap', join(out, 'bin/ping')])).stdout).toContain('cap_net_raw=ep')
  })

  test('tar: the same tree gives the same bytes', async () => {
    const [first, second] = [join(directory, 'a'), join(directory, 'b')]
    await fromTree(['tar'], { imageName: first })
    await run(['cat', join(tree, 'etc/shadow')])
    await fromTree(['tar'], { imageName: second })
    expect(await digestFile(`${first}.tar`)).toBe(await digestFile(`${second}.tar`))
  })

  test('tgz is the compressed tar, and as in DIB takes its place', async () => {
    await fromTree(['tar', 'tgz'])
    expect(await produced()).toEqual(['image.tgz'])
    const file = join(directory, 'image.tgz')
    expect(await members(file)).toContain('./bin/ping')
    expect([...(await readFile(file)).subarray(0, 2)]).toEqual([0x1f, 0x8b])
  })

  test('squashfs, wherever it stands in the list; contents of /proc and /sys stay out', async () => {
    await fromTree(['tar', 'qcow2', 'squashfs'])
    expect(await produced()).toEqual(['image.squash', 'image.tar'])
    const out = join(directory, 'out')
    await run(['unsquashfs', '-q', '-n', '-d', out, join(directory, 'image.squash')])
    expect((await readdir(out)).sort()).toEqual(['.hidden', 'bin', 'etc', 'proc', 'sys', 'var'])
    expect(await readdir(join(out, 'proc'))).toEqual([])
    expect(await readdir(join(out, 'sys'))).toEqual([])
    expect(await stat(join(out, 'etc/shadow'))).toMatchObject({ gid: 42, mode: 0o100640 })
    expect((await run(['getcap', join(out, 'bin/ping')])).stdout).toContain('cap_net_raw=ep')
  })

  test('aci: the tree below rootfs/ and the manifest; links keep their targets', async () => {
    const manifest = join(directory, 'my manifest.json')
    await writeFile(manifest, '{"acKind":"ImageManifest"}')
    await fromTree(['aci'], { env: { ...process.env, ACI_MANIFEST: manifest } })
    const file = join(directory, 'image.aci')
    expect(await members(file)).toEqual(expect.arrayContaining(['rootfs/', 'rootfs/bin/ping', 'manifest']))
    expect(await listing(file)).toMatch(/rootfs\/var\/link -> \.\.\/etc\/shadow$/m)
    expect((await run(['tar', '-xOf', file, 'manifest'])).stdout).toBe('{"acKind":"ImageManifest"}')
  })

  test('aci without a manifest is made all the same, with a warning', async () => {
    await fromTree(['aci'], { env: { ...process.env, ACI_MANIFEST: '' } })
    expect(printed.join()).toContain('No ACI_MANIFEST specified')
    expect(await produced()).toEqual(['image.aci'])
  })

  // No Docker daemon runs where these tests run: a stand-in keeps what it was asked to import.
  test('docker is given the archive and the name, and leaves no file', async () => {
    const bin = join(directory, 'bin')
    await mkdir(bin)
    await writeFile(
      join(bin, 'docker'),
      '#!/bin/sh\necho "$@" >"$0.args"; tar -tf "$3" >"$0.members"; echo sha256:1234\n',
    )
    await chmod(join(bin, 'docker'), 0o755)
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
    expect(await fromTree(['docker'], { env, dockerTarget: 'guest:1' })).toEqual([])
    expect(await readFile(join(bin, 'docker.args'), 'utf8')).toMatch(/^import -- \S+ guest:1\n$/)
    expect(await readFile(join(bin, 'docker.members'), 'utf8')).toContain('./bin/ping\n')
    expect(await produced()).toEqual(['bin'])
    expect(printed).toEqual(['Docker image guest:1 created: sha256:1234'])
  })
})

describe('putting an output in its place', () => {
  const clock = { now: () => new Date(2026, 1, 3, 4, 5, 6), sleep: async () => undefined }

  test('checksum files are what md5sum -c and sha256sum -c want, with the name as given', async () => {
    const [output] = await fromRaw(['raw'], { checksum: '1' })
    expect(await produced()).toEqual(['image.raw', 'image.raw.md5', 'image.raw.sha256'])
    for (const sum of ['md5', 'sha256']) {
      const checked = await run([`${sum}sum`, '-c', `${output?.path}.${sum}`])
      expect(checked.stdout).toBe(`${output?.path}: OK\n`)
    }
    expect(output?.sha256).toBe(await digestFile(master))
  })

  test('an older image is kept under a time stamp, its checksums with it', async () => {
    await fromRaw(['qcow2'], { checksum: 'md5,sha256' })
    const before = await digestFile(join(directory, 'image.qcow2'))
    await fromRaw(['qcow2'], { checksum: 'sha256', clock })
    const old = 'image-2026.02.03-04.05.06.qcow2'
    expect(await produced()).toEqual([
      old,
      `${old}.md5`,
      `${old}.sha256`,
      'image.qcow2',
      'image.qcow2.sha256',
    ])
    expect(await digestFile(join(directory, old))).toBe(before)
    expect(printed).toContain(`Old image found. Renaming it to ${join(directory, old)}`)
  })

  test('with OVERWRITE_OLD_IMAGE it is replaced, and its checksums do not stay to mislead', async () => {
    await fromRaw(['qcow2'], { checksum: '1' })
    await fromRaw(['qcow2'], { overwrite: true })
    expect(await produced()).toEqual(['image.qcow2'])
  })

  test('an older tar is replaced without a word and gets no checksum, as in DIB', async () => {
    await writeFile(join(directory, 'image.tar'), 'old')
    await fromTree(['tar'], { checksum: '1' })
    expect(await produced()).toEqual(['image.tar'])
    expect(printed).toEqual([])
    expect((await stat(join(directory, 'image.tar'))).size).toBeGreaterThan(1000)
  })

  test('outputs and checksums belong to the person who called sudo', async () => {
    await fromRaw(['qcow2'], { checksum: 'md5', env: { ...process.env, SUDO_UID: '1234', SUDO_GID: '567' } })
    await fromTree(['tar'], { owner: { uid: 1234, gid: 567 } })
    for (const name of await produced()) {
      expect(await stat(join(directory, name))).toMatchObject({ uid: 1234, gid: 567 })
    }
    expect(await produced()).toHaveLength(3)
  })

  test('a link planted where the unfinished file goes is not written through', async () => {
    const victim = join(directory, 'victim')
    await writeFile(victim, 'precious')
    await symlink(victim, join(directory, 'image.qcow2-new'))
    await fromRaw(['qcow2'])
    expect(await readFile(victim, 'utf8')).toBe('precious')
  })

  test('a conversion that fails leaves no unfinished file and the older image as it was', async () => {
    await writeFile(join(directory, 'image.qcow2'), 'older')
    await expect(fromRaw(['qcow2'], { qemuImgOptions: 'no_such_option=1' })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    })
    await rm(join(directory, 'build.raw'))
    expect(await produced()).toEqual(['image.qcow2'])
    expect(await readFile(join(directory, 'image.qcow2'), 'utf8')).toBe('older')
  })

  test('an abort ends the conversion, and the clean-up stack knows the unfinished file until then', async () => {
    const slow = join(directory, 'bin')
    await mkdir(slow)
    await writeFile(
      join(slow, 'qemu-img'),
      '#!/bin/sh\nfor last; do :; done; echo begun >"$last"; exec sleep 60\n',
    )
    await chmod(join(slow, 'qemu-img'), 0o755)
    const cleanup = cleanupStack()
    const registered: string[] = []
    const watched = {
      ...cleanup,
      defer: (name: string, release: () => Promise<void> | void) => {
        registered.push(name)
        return cleanup.defer(name, release)
      },
    }
    const env = { ...process.env, PATH: `${slow}:${process.env.PATH}` }
    await expect(
      fromRaw(['vmdk'], { env, cleanup: watched, signal: AbortSignal.timeout(700) }),
    ).rejects.toMatchObject({ code: 'COMMAND_FAILED' })
    expect(registered).toEqual([`unfinished ${join(directory, 'image.vmdk')}`])
    expect(await produced()).toEqual(['bin', 'build.raw'])
  })
})
