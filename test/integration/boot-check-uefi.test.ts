import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootCheck } from '../../builder/bootcheck/boot-check.ts'
import { readyLine } from '../../builder/bootcheck/ready-line.ts'
import { run } from '../../lib/exec.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'uefi-test-'))
})
afterAll(() => rm(directory, { recursive: true }))

/** A disk that is one FAT file system whose \EFI\BOOT\BOOTX64.EFI is a GRUB that prints a text. */
async function grubDisk(text: string): Promise<string> {
  const config = join(directory, 'grub.cfg')
  await writeFile(config, `serial --unit=0\nterminal_output serial\necho '${text}'\nsleep 60\n`)
  const efi = join(directory, 'boot.efi')
  const modules = ['serial', 'terminal', 'echo', 'sleep']
  await run(['grub-mkimage', '-O', 'x86_64-efi', '-p', '/none', '-c', config, '-o', efi, ...modules])
  const disk = join(directory, 'esp.raw')
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1' }
  await run(['truncate', '-s', '8M', disk])
  await run(['mformat', '-i', disk, '::'], { env })
  await run(['mmd', '-i', disk, '::/EFI', '::/EFI/BOOT'], { env })
  await run(['mcopy', '-i', disk, efi, '::/EFI/BOOT/BOOTX64.EFI'], { env })
  return disk
}

test('a UEFI guest comes up from its EFI system partition, on both kinds of machine', async () => {
  const image = await grubDisk(readyLine('mariadb', '11.4'))
  for (const machine of ['plain', 'virtio'] as const) {
    const result = await bootCheck({
      image,
      firmware: 'uefi',
      timeoutMs: 60_000,
      accel: 'tcg',
      memoryMiB: 256,
      machine,
    })
    expect(result.line).toBe('coffer: mariadb ready: 11.4')
  }
})

test('a disk without a boot loader is reported as the firmware tells it', async () => {
  const image = join(directory, 'zeros.raw')
  await writeFile(image, new Uint8Array(1 << 20))
  await expect(
    bootCheck({ image, firmware: 'uefi', timeoutMs: 120_000, accel: 'tcg', memoryMiB: 256 }),
  ).rejects.toMatchObject({
    code: 'BOOT_CHECK_FAILED',
    message: expect.stringMatching(
      /did not come up with UEFI: the firmware found nothing to boot on the disk/,
    ),
  })
})
