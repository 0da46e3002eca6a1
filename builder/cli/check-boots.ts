import { CofferError } from '../../lib/errors.ts'
import { findProgram } from '../../lib/find-program.ts'
import { bootCheck } from '../bootcheck/boot-check.ts'
import { findUefiFirmware } from '../bootcheck/firmware.ts'
import type { BuildRequest } from '../request/request.ts'

export type Firmware = 'bios' | 'uefi'

/** What one boot showed. */
export interface Boot {
  readonly firmware: Firmware
  readonly accel: string
  readonly line: string
  readonly seconds: number
}

/** Image types QEMU boots here. */
const BOOTABLE = ['qcow2', 'raw']

/**
 * Refuses a boot check that cannot succeed, before the build.
 *
 * @throws CofferError `BOOT_CHECK_NO_IMAGE`, `BOOT_CHECK_ARCH`, `TOOL_MISSING`, `UEFI_FIRMWARE_MISSING`
 */
export async function checkBootable(request: BuildRequest, firmwares: readonly Firmware[]): Promise<void> {
  if (!request.types.some((type) => BOOTABLE.includes(type))) {
    throw new CofferError('BOOT_CHECK_NO_IMAGE', '--boot-check needs an image of type qcow2 or raw', {
      hint: 'Add qcow2 to -t.',
    })
  }
  if (request.arch !== 'amd64') {
    throw new CofferError('BOOT_CHECK_ARCH', `--boot-check boots amd64 images, not ${request.arch}`, {
      hint: 'Build without --boot-check, and boot the image on a machine of its own kind.',
    })
  }
  if ((await findProgram('qemu-system-x86_64')) === undefined) {
    throw new CofferError('TOOL_MISSING', '--boot-check needs qemu-system-x86_64, which is not installed', {
      hint: 'On Debian: apt-get install qemu-system-x86',
    })
  }
  if (firmwares.includes('uefi')) await findUefiFirmware()
}

/** Boots the finished image once under each firmware. @throws CofferError `BOOT_CHECK_FAILED` */
export async function checkBoots(
  outputs: readonly { readonly path: string; readonly format: string }[],
  firmwares: readonly Firmware[],
  timeoutMs: number,
  onBoot: (boot: Boot) => void,
): Promise<void> {
  const image = outputs.find(({ format }) => BOOTABLE.includes(format))
  for (const firmware of image === undefined ? [] : firmwares) {
    onBoot({ firmware, ...(await bootCheck({ image: image?.path ?? '', firmware, timeoutMs })) })
  }
}
