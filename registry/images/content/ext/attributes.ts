import { broken, unsupported } from '../errors.ts'
import { aclAsRead } from './acl.ts'
import type { Inode } from './inode.ts'
import type { Volume } from './volume.ts'

const MAGIC = 0xea020000
const ACL = 'system.posix_acl_'
const PREFIXES: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
}

/**
 * Extended attributes, by their whole names: those in the inode, then those in its block.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN, IMAGE_CONTENT_UNSUPPORTED for a value that has an inode of its own
 */
export function readAttributes(inode: Inode, volume: Volume): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  const { inlineAttributes } = inode
  if (inlineAttributes.length >= 4 && inlineAttributes.readUInt32LE(0) === MAGIC) {
    // Offsets of values count from the first entry here, from the block's beginning there.
    readEntries(inlineAttributes.subarray(4), 0, inode, found)
  }
  if (inode.attributeBlock !== 0) {
    const block = volume.blocks(inode.attributeBlock, 1)
    if (block.readUInt32LE(0) !== MAGIC) throw damaged(inode)
    readEntries(block, 32, inode, found)
  }
  return found
}

function readEntries(bytes: Buffer, start: number, inode: Inode, found: Map<string, Buffer>): void {
  for (let at = start; at + 4 <= bytes.length && bytes.readUInt32LE(at) !== 0; ) {
    if (at + 16 > bytes.length) throw damaged(inode)
    const nameLength = bytes.readUInt8(at)
    const prefix = PREFIXES[bytes.readUInt8(at + 1)]
    const offset = bytes.readUInt16LE(at + 2)
    const size = bytes.readUInt32LE(at + 8)
    if (bytes.readUInt32LE(at + 4) !== 0) throw unsupported('an extended attribute has an inode of its own')
    const nameEnd = at + 16 + nameLength
    if (prefix === undefined || nameEnd > bytes.length || offset + size > bytes.length) throw damaged(inode)
    const name = `${prefix}${bytes.toString('latin1', at + 16, nameEnd)}`
    const value = Buffer.from(bytes.subarray(offset, offset + size))
    found.set(name, name.startsWith(ACL) ? aclAsRead(value) : value)
    at = Math.ceil(nameEnd / 4) * 4
  }
}

const damaged = ({ number }: Inode) => broken('ext', `the extended attributes of inode ${number} are damaged`)
