import { access, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootCodeFor, installGrub } from '../../builder/blockdevice/grub.ts'
import { writeImageFile } from '../../builder/blockdevice/write-file.ts'
import { run } from '../../lib/exec.ts'
import { layoutOf, quiet } from './blockdevice-support.ts'

const QEMU = '/usr/bin/qemu-system-x86_64'
const OVMF = '/usr/share/OVMF'
const present = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
const haveQemu = await present(QEMU)
const haveOvmf = await present(`${OVMF}/OVMF_CODE_4M.fd`)
const element = (name: string) =>
  readFile(new URL(`../../elements/${name}/block-device-default.yaml`, import.meta.url), 'utf8')

let work: string
let tree: string

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-boot-test-'))
  tree = join(work, 'tree')
  await mkdir(join(tree, 'boot/grub'), { recursive: true })
  // The menu says where it came from and powers off: no operating system is needed to see that a disk starts.
  await writeFile(
    join(tree, 'boot/grub/grub.cfg'),
    'serial --unit=0 --speed=115200\nterminal_output serial\necho "started on $grub_platform from $root"\nhalt\n',
  )
})
afterAll(() => rm(work, { recursive: true }))

async function disk(name: string, yaml: string, mib = 64): Promise<string> {
  const rawPath = join(work, `${name}.raw`)
  const boot = await bootCodeFor(tree, 'amd64')
  await writeImageFile({ layout: layoutOf(yaml, mib), tree, rawPath, boot, log: quiet })
  return rawPath
}

async function start(rawPath: string, firmware: readonly string[] = []): Promise<string> {
  const machine = ['-accel', 'tcg', '-M', 'q35', '-m', '256', '-nodefaults', '-display', 'none', '-no-reboot']
  const { stdout } = await run(
    [
      QEMU,
      ...machine,
      ...firmware,
      ...['-serial', 'stdio', '-drive', `file=${rawPath},format=raw,if=virtio`],
    ],
    { timeoutMs: 120_000 },
  )
  return stdout
}

async function ovmf(): Promise<string[]> {
  const variables = join(work, 'vars.fd')
  await copyFile(`${OVMF}/OVMF_VARS_4M.fd`, variables)
  const flash = 'if=pflash,format=raw'
  return [
    ...['-drive', `${flash},readonly=on,file=${OVMF}/OVMF_CODE_4M.fd`],
    ...['-drive', `${flash},file=${variables}`],
  ]
}

describe.skipIf(!haveQemu)('a disk written as a file starts', () => {
  test('block-device-mbr under SeaBIOS', async () => {
    expect(await start(await disk('mbr', await element('block-device-mbr')))).toContain(
      'started on pc from hd0,msdos1',
    )
  })

  test('block-device-gpt under SeaBIOS', async () => {
    expect(await start(await disk('gpt', await element('block-device-gpt')))).toContain(
      'started on pc from hd0,gpt2',
    )
  })

  test('block-device-hybrid under SeaBIOS', async () => {
    expect(await start(await disk('hybrid', await element('block-device-hybrid')))).toContain(
      'started on pc from hd0,gpt3',
    )
  })

  test.skipIf(!haveOvmf)('the same block-device-hybrid disk under UEFI', async () => {
    expect(await start(join(work, 'hybrid.raw'), await ovmf())).toContain('started on efi from hd0,gpt3')
  })

  test('with /boot on a file system of its own', async () => {
    const yaml = (await element('block-device-gpt')).replace(
      '      - name: root',
      '      - {name: boot, size: 16MiB, mkfs: {type: ext2, label: "it\'s boot", mount: {mount_point: /boot}}}\n      - name: root',
    )
    expect(await start(await disk('boot', yaml))).toContain('started on pc from hd0,gpt2')
  })

  test('when the root file system is found by its label on another partition than the hint says', async () => {
    const rawPath = await disk('moved', await element('block-device-hybrid'))
    // Renumber: partition 3 becomes 7, as after repartitioning.
    await run(['sgdisk', '--transpose=3:7', rawPath])
    expect(await start(rawPath)).toContain('started on pc from hd0,gpt7')
  })
})

test('a boot program that the tree brings is kept', async () => {
  await mkdir(join(tree, 'boot/efi/efi/boot'), { recursive: true })
  await writeFile(join(tree, 'boot/efi/efi/boot/bootx64.efi'), 'signed')
  const yaml = await element('block-device-hybrid')
  const rawPath = await disk('signed', yaml)
  await rm(join(tree, 'boot/efi'), { recursive: true })
  const offset = layoutOf(yaml, 64).extents.ESP?.offset
  expect((await run(['mtype', '-i', `${rawPath}@@${offset}`, '::/EFI/BOOT/BOOTX64.EFI'])).stdout).toBe(
    'signed',
  )
})

test('boot code leaves disk signature and partition table alone', async () => {
  const yaml = await element('block-device-mbr')
  const layout = layoutOf(yaml, 64)
  const rawPath = join(work, 'signature.raw')
  await writeImageFile({ layout, tree, rawPath, log: quiet })
  const before = await run(['sfdisk', '--dump', rawPath])
  await installGrub({ layout, tree, rawPath, arch: 'amd64' })
  expect((await run(['sfdisk', '--dump', rawPath])).stdout).toBe(before.stdout)
})

test('a machine without GRUB gets the name of the package that is missing', async () => {
  const layout = layoutOf(await element('block-device-mbr'), 64)
  const rawPath = join(work, 'none.raw')
  await writeImageFile({ layout, tree, rawPath, log: quiet })
  await expect(
    installGrub({ layout, tree, rawPath, arch: 'amd64', grubDirectory: join(work, 'no-grub') }),
  ).rejects.toMatchObject({
    code: 'GRUB_NOT_INSTALLED',
    hint: 'On Debian: apt-get install grub-pc-bin grub-common',
  })
})

test('a layout with no place for a boot loader is written with a warning', async () => {
  const layout = layoutOf(
    '- local_loop: {name: image0, mkfs: {name: mkfs_root, mount: {mount_point: /}}}',
    64,
  )
  const rawPath = join(work, 'plain.raw')
  const warnings: string[] = []
  await writeImageFile({
    layout,
    tree,
    rawPath,
    boot: { arch: 'amd64' },
    log: { ...quiet, warn: (line) => warnings.push(line) },
  })
  expect(warnings).toEqual([
    'The disk layout has no place for a boot loader, so the image does not boot by itself',
  ])
  expect((await run(['e2fsck', '-fn', rawPath], { check: false })).exitCode).toBe(0)
})

test('a tree without a GRUB configuration asks for no boot code', async () => {
  expect(await bootCodeFor(join(work, 'nothing'), 'amd64')).toBeUndefined()
})
