import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { openBytes } from '../../../../registry/images/content/bytes.ts'
import { readLayout } from '../../../../registry/images/content/disk.ts'
import { openImage } from '../../../../registry/images/content/open.ts'
import { findPath } from '../../../../registry/images/content/resolve.ts'
import { walk } from '../../../../registry/images/content/walk.ts'
import { emptyFile, extImage, inMemory, partition, tool, writeAt, writeFiles } from './make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'disk-'))
afterAll(() => removeTree(home))

const MEBIBYTE = 1024 ** 2
let turn = 0
const file = (suffix: string) => join(home, `${turn++}.${suffix}`)

/** What sfdisk itself sees, in our words. */
async function judged(disk: string) {
  const { stdout } = await tool('sfdisk', '--json', disk)
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: {
      partitions: { node: string; start: number; size: number; type: string; name?: string }[]
    }
  }
  return partitiontable.partitions.map(({ node, start, size, type, name }) => ({
    number: Number(node.slice(disk.length)),
    offset: start * 512,
    size: size * 512,
    type: type.length === 1 ? `0${type}` : type,
    ...(name === undefined ? {} : { name }),
  }))
}

const seen = (disk: string) =>
  readLayout(openBytes(disk)).slots.map(({ partition: one }) => {
    const { uuid: _, ...rest } = one ?? {}
    return rest
  })

describe('partitions are those that sfdisk sees', () => {
  test('of a GPT, with gaps and names', async () => {
    const disk = await emptyFile(file('raw'), 16 * MEBIBYTE)
    await partition(
      disk,
      'label: gpt\n1: size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=BSP\n5: size=4MiB, name=größe\n',
    )
    expect(seen(disk)).toEqual(await judged(disk))
    expect(seen(disk)).toHaveLength(2)
  })

  test('of a GPT of which only the copy at the end is whole', async () => {
    const disk = await emptyFile(file('raw'), 16 * MEBIBYTE)
    await partition(disk, 'label: gpt\nsize=4MiB\n')
    const want = await judged(disk)
    await writeAt(disk, Buffer.alloc(512), 512)
    expect(seen(disk)).toEqual(want)
  })

  test('of an MBR, with logical ones', async () => {
    const disk = await emptyFile(file('raw'), 16 * MEBIBYTE)
    await partition(
      disk,
      'label: dos\n1: size=1MiB, type=83\n3: size=10MiB, type=5\n5: size=2MiB, type=82\n6: size=3MiB, type=83\n',
    )
    expect(seen(disk)).toEqual(await judged(disk))
    expect(seen(disk).map((one) => 'number' in one && one.number)).toEqual([1, 3, 5, 6])
  })

  test('and a chain of logical ones that goes round ends', async () => {
    const disk = await emptyFile(file('raw'), 16 * MEBIBYTE)
    await partition(disk, 'label: dos\n1: size=10MiB, type=5\n5: size=2MiB\n6: size=2MiB\n')
    const bytes = await readFile(disk)
    // The second link of the chain leads back to the first.
    const second = 1 * MEBIBYTE + bytes.readUInt32LE(1 * MEBIBYTE + 462 + 8) * 512
    bytes.copy(bytes, second + 446, MEBIBYTE + 446, MEBIBYTE + 510)
    expect(readLayout(inMemory(bytes)).slots.length).toBeLessThan(5)
  })
})

test('file systems are recognised as blkid does', async () => {
  const makers: readonly (readonly [string, string, ...string[]])[] = [
    ['ext4', 'mkfs.ext4', '-q', '-L', 'cloudimg-rootfs'],
    ['ext3', 'mkfs.ext3', '-q', '-L', 'old'],
    ['ext2', 'mkfs.ext2', '-q'],
    ['vfat', 'mkfs.vfat', '-n', 'ESP'],
    ['vfat', 'mkfs.vfat', '-F', '32', '-n', 'BIG'],
    ['swap', 'mkswap', '-L', 'swap'],
  ]
  for (const [type, program, ...words] of makers) {
    const disk = await emptyFile(file('raw'), 40 * MEBIBYTE)
    await tool(program, ...words, disk)
    const found = readLayout(openBytes(disk)).slots[0]?.fileSystem
    const { stdout } = await tool('blkid', '-p', '-o', 'export', disk)
    const told = new Map(stdout.split('\n').map((line) => line.split('=', 2) as [string, string]))
    expect(found?.type).toBe(type)
    expect(found?.uuid).toBe(told.get('UUID'))
    expect(found?.label).toBe(told.get('LABEL'))
    if (type !== 'swap') expect(found?.size).toBeGreaterThan(39 * MEBIBYTE)
  }
})

describe('FAT', () => {
  test.each([
    ['12', 2],
    ['16', 20],
    ['32', 40],
  ])('FAT%s is read as mtools wrote it', async (bits, mebibytes) => {
    const files = {
      'EFI/BOOT/BOOTX64.EFI': Buffer.alloc(70_000, 'efi'),
      'lower.txt': 'lower',
      'A long name, größe.txt': 'long',
      empty: '',
    }
    const source = await writeFiles(join(home, `fat-${bits}`), files)
    const disk = await emptyFile(file('img'), mebibytes * MEBIBYTE)
    await tool('mkfs.vfat', '-F', bits, '-n', 'ESP', disk)
    await tool(
      'mcopy',
      '-s',
      '-i',
      disk,
      ...Object.keys({ EFI: 0, ...files })
        .filter((name) => !name.includes('/'))
        .map((name) => join(source, name)),
      '::/',
    )
    const root = (await import('../../../../registry/images/content/fat/file-system.ts')).openFat(
      openBytes(disk),
      'it',
    )
    const found = [...walk({ path: '/', node: root })].filter(({ node }) => node.type === 'file')
    expect(
      Object.fromEntries(
        found.map(({ path, node }) => [path.slice(1), Buffer.concat([...node.pieces()]).toString()]),
      ),
    ).toEqual(Object.fromEntries(Object.entries(files).map(([path, content]) => [path, content.toString()])))
    expect(findPath(root, '/efi/boot/bootx64.efi', { follow: false })?.node.size).toBe(70_000)
  })
})

describe('an image', () => {
  /** A disk with a root, a file system for /boot, one for /var by its partition's name, and an ESP. */
  async function guestDisk(): Promise<string> {
    const disk = await emptyFile(file('raw'), 48 * MEBIBYTE)
    const script = [
      'label: gpt',
      'size=8MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=ESP',
      'size=8MiB, name=boot',
      'size=12MiB, name=data',
      'size=12MiB, name=root',
    ]
    await partition(disk, `${script.join('\n')}\n`)
    const places = (await judged(disk)).map(({ offset, size }) => ({ offset, bytes: size }))
    const tree = (name: string, files: Record<string, string>) =>
      writeFiles(join(home, `${turn++}-${name}`), files)
    const fstab =
      'LABEL=system / ext4 defaults 0 1\n# LABEL=none /none\nLABEL=kernels /boot ext4 ro\nPARTLABEL="data" /var ext4\nLABEL=ESP /boot/efi vfat\nLABEL=other /mnt ext4\n'
    const root = await tree('root', {
      'etc/os-release': 'ID=debian\n',
      'etc/fstab': fstab,
      'boot/hidden': 'x',
      'var/': '',
      'etc/hostname': 'guest',
    })
    const boot = await tree('boot', { 'vmlinuz-6.1': 'kernel', 'efi/': '' })
    await extImage(disk, boot, { words: ['-L', 'kernels'], ...at(places[1]) })
    await extImage(disk, await tree('var', { 'lib/data': 'var' }), at(places[2]))
    await extImage(disk, root, { words: ['-L', 'system'], ...at(places[3]) })
    await tool('mkfs.vfat', '-n', 'ESP', '--offset', String((places[0]?.offset ?? 0) / 512), disk, '8192')
    await writeFile(join(home, 'GRUB.CFG'), 'menu')
    await tool('mcopy', '-i', `${disk}@@${places[0]?.offset}`, join(home, 'GRUB.CFG'), '::/')
    return disk
  }
  const at = (place: { offset: number; bytes: number } | undefined) => (place === undefined ? {} : { place })

  test('shows the tree that its guest has, with all file systems in their places', async () => {
    const root = openImage(await guestDisk()).root()
    const text = (path: string) => {
      const node = findPath(root, path, { follow: true })?.node
      return node === undefined ? undefined : Buffer.concat([...node.pieces()]).toString()
    }
    expect(text('/etc/hostname')).toBe('guest')
    expect(text('/boot/vmlinuz-6.1')).toBe('kernel')
    expect(text('/boot/hidden')).toBeUndefined()
    expect(text('/boot/efi/GRUB.CFG')).toBe('menu')
    expect(text('/var/lib/data')).toBe('var')
    expect(new Set([...walk({ path: '/', node: root })].map(({ path }) => path))).toContain(
      '/boot/efi/GRUB.CFG',
    )
  })

  test('is told by its name, and refused when that contradicts its bytes', async () => {
    const raw = await extImage(file('raw'), await writeFiles(join(home, 'plain'), { 'etc/fstab': '' }), {
      mebibytes: 1,
    })
    const qcow2 = join(home, 'an-image')
    await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2)
    expect(openImage(raw)).toMatchObject({ format: 'raw', virtualSize: MEBIBYTE })
    expect(openImage(qcow2)).toMatchObject({ format: 'qcow2', virtualSize: MEBIBYTE })
    const trap = join(home, 'trap.raw')
    await writeFile(trap, await readFile(qcow2))
    expect(() => openImage(trap)).toThrow(/begins as a qcow2 file does/)
    expect(openImage(trap, 'qcow2').format).toBe('qcow2')
  })

  test('is a file: directories, pipes and what does not exist are refused in a sentence', async () => {
    await mkdir(join(home, 'folder.raw'))
    await tool('mkfifo', join(home, 'pipe.raw'))
    expect(() => openImage(join(home, 'folder.raw'))).toThrow(/not a regular file/)
    expect(() => openImage(join(home, 'pipe.raw'))).toThrow(/not a regular file/)
    expect(() => openImage(join(home, 'nothing.raw'))).toThrow(/cannot be found/)
    await writeFile(join(home, 'void.raw'), '')
    expect(() => openImage(join(home, 'void.raw')).root()).toThrow(/no file system was found/)
    await writeFile(join(home, 'short.qcow2'), 'QFI\xfb')
    expect(() => openImage(join(home, 'short.qcow2'))).toThrow(/not a qcow2 file/)
  })

  test('with volumes of LVM is named, not misread', async () => {
    const disk = await emptyFile(file('raw'), 4 * MEBIBYTE)
    await writeAt(disk, Buffer.from('LVM2 001'), 536)
    const image = openImage(disk)
    expect(image.layout.slots[0]?.fileSystem).toEqual({ type: 'LVM2_member' })
    expect(() => image.root()).toThrow(/LVM2_member.* none can be read/)
  })
})
