import type { PackageFormat } from './vendor.ts'

/** What the first bytes of a file say it is. */
export type FileKind = PackageFormat | 'rpm' | 'zip' | 'web page' | 'empty' | 'unknown'

/** Bytes of a file's beginning that {@link fileKind} wants to see. */
export const KIND_HEAD_BYTES = 1024

const signatures: readonly (readonly [FileKind, number, readonly number[]])[] = [
  ['deb', 0, [...Buffer.from('!<arch>\ndebian-binary')]],
  ['tar', 0, [0x1f, 0x8b]], // gzip
  ['tar', 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]], // xz
  ['tar', 0, [0x28, 0xb5, 0x2f, 0xfd]], // zstd
  ['tar', 0, [0x42, 0x5a, 0x68]], // bzip2
  ['tar', 257, [...Buffer.from('ustar')]],
  ['rpm', 0, [0xed, 0xab, 0xee, 0xdb]],
  ['zip', 0, [0x50, 0x4b, 0x03, 0x04]],
]

/**
 * Tells the kind of a file by its first {@link KIND_HEAD_BYTES} bytes, never by its name. A compressed file counts as a
 * tar archive here; unpacking it proves the rest. A download that wants a login often gives a web page: that has its
 * own kind because it deserves its own sentence.
 */
export function fileKind(head: Uint8Array): FileKind {
  if (head.length === 0) return 'empty'
  for (const [kind, offset, bytes] of signatures) {
    if (bytes.every((byte, index) => head[offset + index] === byte)) return kind
  }
  const text = Buffer.from(head).toString('latin1').trimStart().toLowerCase()
  return text.startsWith('<!doctype') || text.startsWith('<html') ? 'web page' : 'unknown'
}
