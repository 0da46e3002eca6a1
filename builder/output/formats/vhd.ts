import type { RawFormat } from '../types.ts'
import { convert, qemuImgTool, VARIES } from './qemu-img.ts'

/**
 * A fixed VHD of exactly the disk's size. DIB needs a patched vhd-util for this, which Debian does not carry; qemu-img
 * writes the same format under the name vpc. `force_size` keeps it from rounding the disk to a whole number of
 * cylinders.
 */
export const vhd: RawFormat = {
  name: 'vhd',
  suffix: 'vhd',
  from: 'raw',
  consumesRaw: false,
  compresses: 'never',
  finish: 'image',
  varies: VARIES,
  tools: () => [qemuImgTool],
  write: (job) => convert(job, 'vpc', { options: 'subformat=fixed,force_size=on' }),
}
