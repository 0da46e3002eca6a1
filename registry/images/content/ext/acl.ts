const DISK_VERSION = 1
const READ_VERSION = 2
/** Entries with the number of a user or a group. */
const NAMED = new Set([0x02, 0x08])
const NO_ID = 0xffff_ffff

/**
 * An access control list as getxattr(2) gives it. On disk, entries without a number are shorter (the kernel's fs/ext4/acl.c).
 *
 * @returns the value itself when it is not in the form of the disk
 */
export function aclAsRead(value: Buffer): Buffer {
  if (value.length < 4 || value.readUInt32LE(0) !== DISK_VERSION) return value
  const parts = [word(READ_VERSION)]
  for (let at = 4; at < value.length; ) {
    const length = at + 4 <= value.length && NAMED.has(value.readUInt16LE(at)) ? 8 : 4
    if (at + length > value.length) return value
    parts.push(value.subarray(at, at + 4), length === 8 ? value.subarray(at + 4, at + 8) : word(NO_ID))
    at += length
  }
  return Buffer.concat(parts)
}

function word(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}
