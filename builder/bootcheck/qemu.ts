import { resolve } from 'node:path'
import type { Accelerator } from '../../lib/acceleration.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Argv } from '../../lib/exec.ts'
import type { UefiFirmware } from './firmware.ts'

/** A TCP port of this machine's loopback interface that leads to a port of the guest. */
export interface Forward {
  readonly hostPort: number
  readonly guestPort: number
}

/** What to boot and on which machine. */
export interface QemuOptions {
  readonly image: string
  /** Default: what the file's name says (see {@link diskFormatOf}); contents are never probed. */
  readonly format?: string
  /** Default 1024. */
  readonly memoryMiB?: number
  readonly cpus?: number
  /** `bios`, or the UEFI files: `vars` must be a private copy, the guest writes to it. */
  readonly firmware: 'bios' | UefiFirmware
  readonly accel: Accelerator
  /**
   * `plain` (default): the hardware of a bare `qemu-system-x86_64 -drive file=X`, an IDE disk and an e1000 card.
   * `virtio`: what clouds give, virtio disk, card and random numbers.
   */
  readonly machine?: 'plain' | 'virtio'
  /** A file that keeps a copy of the serial console. The console itself is QEMU's standard output. */
  readonly serialLog?: string
  /** Ports to reach the guest by. The guest reaches nothing outside: the network is restricted. */
  readonly forwards?: readonly Forward[]
  /** The QEMU program. Default `qemu-system-x86_64`. */
  readonly program?: string
}

const formatsBySuffix: Readonly<Record<string, string>> = {
  qcow2: 'qcow2',
  raw: 'raw',
  img: 'raw',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhdx: 'vhdx',
  vpc: 'vpc',
  vhd: 'vpc',
  qed: 'qed',
}

/**
 * QEMU's name of a disk image's format, from the file's name alone: probing contents would let an image choose.
 *
 * @throws CofferError `IMAGE_FORMAT_UNKNOWN`
 */
export function diskFormatOf(image: string): string {
  const format = formatsBySuffix[/\.([^./]+)$/.exec(image)?.[1] ?? '']
  if (format !== undefined) return format
  throw new CofferError('IMAGE_FORMAT_UNKNOWN', `${image}: its name does not say which image format it has`, {
    hint: `Give it one of these suffixes: ${Object.keys(formatsBySuffix).join(', ')}.`,
  })
}

/**
 * The command that boots an image without changing it: writes go to a nameless temporary file (`snapshot=on`).
 * No display, no monitor, no second start: a guest that reboots or powers off ends QEMU. Pure.
 */
export function qemuCommand(options: QemuOptions): Argv {
  const virtio = options.machine === 'virtio'
  const disk = `file=${value(resolve(options.image))},format=${options.format ?? diskFormatOf(options.image)},snapshot=on`
  const forwards = (options.forwards ?? []).map(
    ({ hostPort, guestPort }) => `,hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`,
  )
  const log = options.serialLog === undefined ? '' : `,logfile=${value(resolve(options.serialLog))}`
  return [
    options.program ?? 'qemu-system-x86_64',
    // graphics=off sends the firmware's own messages to the serial console too; the VGA card stays.
    ...['-machine', 'pc,graphics=off', '-boot', 'c'],
    ...(options.accel === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...['-smp', String(options.cpus ?? 2), '-m', String(options.memoryMiB ?? 1024)],
    ...firmwareDrives(options.firmware),
    ...['-drive', `${disk},if=${virtio ? 'virtio' : 'ide'},index=0`],
    ...['-nic', `user,model=${virtio ? 'virtio-net-pci' : 'e1000'},restrict=on${forwards.join('')}`],
    ...(virtio ? ['-device', 'virtio-rng-pci'] : []),
    ...['-chardev', `stdio,id=console,signal=off${log}`, '-serial', 'chardev:console'],
    ...['-display', 'none', '-monitor', 'none', '-parallel', 'none', '-no-reboot'],
  ]
}

function firmwareDrives(firmware: QemuOptions['firmware']): string[] {
  if (firmware === 'bios') return []
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${value(firmware.code)}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${value(firmware.vars)}`],
  ]
}

/** A value inside one of QEMU's comma lists: a comma is written twice. */
function value(text: string): string {
  return text.replaceAll(',', ',,')
}
