import type { Bytes } from '../bytes.ts'
import { broken } from '../errors.ts'
import { decodeName } from '../name.ts'
import { type FileNode, hole, MAX_PIECE } from '../node.ts'
import { recent } from '../recent.ts'
import { readAttributes } from './attributes.ts'
import { readDirectory } from './directory.ts'
import { deviceNumbers, type Inode, parseInode } from './inode.ts'
import { runsOf } from './runs.ts'
import { checkSuperblock, readSuperblock } from './superblock.ts'
import { openVolume, type Volume } from './volume.ts'

const ROOT_INODE = 2
/** Directories whose names are kept. */
const KEPT_DIRECTORIES = 64
/** A target of up to 59 bytes stands in the inode itself. */
const SHORT_TARGET = 60
const LONGEST_TARGET = 65_536

/**
 * The root directory of an ext2, ext3 or ext4 file system. The journal is not replayed, checksums are not compared.
 *
 * @param name makes identities unique among file systems of one image
 * @throws CofferError IMAGE_CONTENT_BROKEN, IMAGE_CONTENT_UNSUPPORTED
 */
export function openExt(bytes: Bytes, name: string): FileNode {
  const superblock = readSuperblock(bytes)
  if (superblock === undefined) throw broken('ext', 'there is no superblock')
  checkSuperblock(superblock)
  const volume = openVolume(bytes, superblock)
  const directories = recent<number, ReadonlyMap<string, number>>(KEPT_DIRECTORIES)

  function node(number: number): FileNode {
    const inode = parseInode(number, volume.inode(number))
    const { type, mode, uid, gid, size, modified, links } = inode
    const isDevice = type === 'character device' || type === 'block device'
    const names = (): ReadonlyMap<string, number> =>
      type === 'directory' ? directories.get(number, () => readDirectory(inode, volume)) : new Map()
    return {
      ...{ type, mode, uid, gid, size, modified, links },
      identity: `${name}:${number}`,
      ...(isDevice ? { device: deviceNumbers(inode.block) } : {}),
      names: () => [...names().keys()],
      child(childName) {
        const found = names().get(childName)
        return found === undefined ? undefined : node(found)
      },
      target: () => (type === 'symlink' ? targetOf(inode, volume) : ''),
      pieces: () => (type === 'file' ? piecesOf(inode, volume) : []),
      attributes: () => readAttributes(inode, volume),
    }
  }

  const root = node(ROOT_INODE)
  if (root.type !== 'directory') throw broken('ext', 'its root is not a directory')
  return root
}

function targetOf(inode: Inode, volume: Volume): string {
  if (inode.size < SHORT_TARGET) return decodeName(inode.block.subarray(0, inode.size))
  if (inode.size > LONGEST_TARGET)
    throw broken('ext', `the symbolic link in inode ${inode.number} is too long`)
  return decodeName(Buffer.concat([...piecesOf(inode, volume)]))
}

/** A file's bytes; everything that is not in a written run is zeros. */
function* piecesOf(inode: Inode, volume: Volume): Generator<Buffer> {
  const { blockSize } = volume.superblock
  const perPiece = MAX_PIECE / blockSize
  let done = 0
  for (const { logical, physical, count } of runsOf(inode, volume)) {
    if (done >= inode.size) return
    // Blocks may be reserved past the file's end.
    const start = Math.min(logical * blockSize, inode.size)
    yield* hole(start - done)
    done = start
    for (let index = 0; index < count && done < inode.size; index += perPiece) {
      const blocks = Math.min(perPiece, count - index)
      const length = Math.min(blocks * blockSize, inode.size - done)
      if (physical === undefined) yield* hole(length)
      else yield volume.blocks(physical + index, blocks).subarray(0, length)
      done += length
    }
  }
  yield* hole(inode.size - done)
}
