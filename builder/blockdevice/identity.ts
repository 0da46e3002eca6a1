import { createHash } from 'node:crypto'

/**
 * UUIDs for the things on a disk, as a function of a seed: the same seed gives the same UUID to the same thing.
 *
 * They are UUIDs of version 8 (RFC 9562 §5.8), whose bits are the maker's own apart from version and variant: the first
 * 128 bits of SHA-256 over the seed and the thing's name.
 *
 * @param seed identity of the image; two images that may meet on one machine need different ones
 * @returns from a name such as `filesystem mkfs_root` to a lower-case UUID
 */
export function identitiesFrom(seed: string): (what: string) => string {
  return (what) => {
    const bytes = createHash('sha256').update(`${seed}\0${what}`).digest()
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
    const hex = bytes.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
      '-',
    )
  }
}
