import { CofferError } from '../../../lib/errors.ts'

/** An image whose structures contradict each other, or lead out of the file. */
export function broken(what: string, reason: string): CofferError {
  return new CofferError('IMAGE_CONTENT_BROKEN', `The image cannot be read: ${what}: ${reason}`, {
    hint: 'Compare its digest with that of where it came from; qemu-img check and e2fsck -n say more.',
  })
}

/** An image that may be sound, but made in a way that is not read here. */
export function unsupported(reason: string): CofferError {
  return new CofferError('IMAGE_CONTENT_UNSUPPORTED', `The image cannot be looked into: ${reason}`, {
    hint: 'Read are qcow2, raw and tar images, with ext2, ext3 and ext4 file systems in partitions of an MBR or a GPT.',
  })
}
