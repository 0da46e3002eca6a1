// Escape sequences a firmware, GRUB or systemd puts on a serial console: CSI, OSC (ended by BEL or ST), two-byte ones.
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]/g
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g

/** A console line fit for a person's terminal and for matching: no escape sequences, no control characters. */
export function cleanLine(line: string): string {
  return line.replace(ESCAPES, '').replace(CONTROLS, '').trimEnd()
}

/** A console line after which waiting longer is pointless, and what it means. */
interface DeadEnd {
  readonly pattern: RegExp
  readonly meaning: string
}

const deadEnds: readonly DeadEnd[] = [
  { pattern: /Kernel panic - not syncing/, meaning: 'the kernel panicked' },
  { pattern: /You are in (emergency|rescue) mode/, meaning: 'systemd stopped in emergency mode' },
  {
    pattern: /Reached target .*(Emergency|Rescue) (Mode|Shell)/i,
    meaning: 'systemd stopped in emergency mode',
  },
  { pattern: /Started .*Emergency Shell/i, meaning: 'systemd stopped in emergency mode' },
  {
    pattern: /Dropping to a shell!|starting a shell; leave it to restart|Generating "\/run\/initramfs/,
    meaning: 'the initramfs found no root file system',
  },
  { pattern: /Entering rescue mode\.\.\./, meaning: 'GRUB could not find its files' },
  { pattern: /No bootable device/, meaning: 'the firmware found nothing to boot on the disk' },
  {
    pattern: /No bootable option or device was found/,
    meaning: 'the firmware found nothing to boot on the disk',
  },
  // The disk comes first: a firmware that turns to the network has found nothing on it.
  {
    pattern: /UEFI Interactive Shell|>>Start PXE over|^Nothing to boot: /,
    meaning: 'the firmware found nothing to boot on the disk',
  },
]

/** What a clean console line says about a boot that cannot succeed any more; undefined for any other line. */
export function deadEnd(line: string): string | undefined {
  return deadEnds.find(({ pattern }) => pattern.test(line))?.meaning
}

/** True for a line that only a running kernel or its init prints: not firmware, not a boot loader. */
export function isFromKernel(line: string): boolean {
  return /^\[\s*\d+\.\d{6}\]|^\[\s+OK\s+\]|\bsystemd\[1\]:|^Welcome to /.test(line)
}
