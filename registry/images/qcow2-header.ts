import { CofferError } from '../../lib/errors.ts'

/** The head of a qcow2 file (QEMU's docs/interop/qcow2.txt). Enough bytes for all fixed fields and the extensions. */
export const QCOW2_HEAD_BYTES = 65_536

const MAGIC = 0x514649fb
/** Incompatible features: dirty, corrupt, external data file, compression type, extended L2 entries. */
const CORRUPT = 1n << 1n
const DATA_FILE = 1n << 2n
const KNOWN_FEATURES = 0x1fn
const EXTENSION_END = 0
const EXTENSION_DATA_FILE = 0x44415441
/** A guest disk larger than this is a mistake or an attack on the host's memory. */
const MAX_VIRTUAL_SIZE = 1n << 46n

/** True when bytes begin as a qcow2 file does. */
export function looksLikeQcow2(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === MAGIC
}

/**
 * Checks the head of a qcow2 file from outside, and tells its virtual size in bytes.
 *
 * A backing file or an external data file is a path that QEMU would open on this host with its own rights: an image that
 * names one could read any file here (CVE-2022-47951, CVE-2024-32498), so it is refused, as is what we do not know.
 *
 * @throws CofferError IMAGE_REFUSED with the reason
 */
export function checkQcow2Header(head: Buffer): number {
  if (!looksLikeQcow2(head) || head.length < 72) throw refused('it is not a qcow2 file')
  const version = head.readUInt32BE(4)
  if (version !== 2 && version !== 3) throw refused(`it has version ${version} of the format`)
  if (head.readBigUInt64BE(8) !== 0n) throw refused('it has a backing file')
  if (head.readUInt32BE(32) !== 0) throw refused('it is encrypted')
  const size = head.readBigUInt64BE(24)
  if (size === 0n || size > MAX_VIRTUAL_SIZE) throw refused(`its virtual size is ${size} bytes`)
  if (version === 3) checkFeatures(head)
  return Number(size)
}

function checkFeatures(head: Buffer): void {
  if (head.length < 104) throw refused('its header is cut short')
  const features = head.readBigUInt64BE(72)
  if ((features & DATA_FILE) !== 0n) throw refused('it has an external data file')
  if ((features & CORRUPT) !== 0n) throw refused('it is marked as corrupt')
  if ((features & ~KNOWN_FEATURES) !== 0n) throw refused('it uses features that are not known here')
  let at = head.readUInt32BE(100)
  while (at + 8 <= head.length) {
    const kind = head.readUInt32BE(at)
    if (kind === EXTENSION_END) return
    if (kind === EXTENSION_DATA_FILE) throw refused('it names an external data file')
    at += 8 + Math.ceil(head.readUInt32BE(at + 4) / 8) * 8
  }
  throw refused('its header extensions do not end')
}

function refused(reason: string): CofferError {
  return new CofferError('IMAGE_REFUSED', `The image is refused: ${reason}`, {
    hint: 'Make a self-contained copy from a source you trust: qemu-img convert -O qcow2 SOURCE COPY',
  })
}
