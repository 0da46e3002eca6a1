import type { Bytes } from '../bytes.ts'
import { broken, unsupported } from '../errors.ts'
import type { FileNode } from '../node.ts'
import { type FatEntry, fatEntries } from './directory.ts'
import { openFatVolume } from './volume.ts'

/** FAT's own limit: 65,536 entries of 32 bytes. */
const MAX_DIRECTORY = 2 * 1024 ** 2
const NONE = { links: 1, target: () => '', attributes: () => new Map<string, Buffer>() }

/**
 * The root directory of a FAT12, FAT16 or FAT32 file system. Owners and modes are those that Linux shows by default.
 *
 * @param name makes identities unique among file systems of one image
 * @throws CofferError IMAGE_CONTENT_BROKEN
 */
export function openFat(bytes: Bytes, name: string): FileNode {
  const volume = openFatVolume(bytes)

  function directory(cluster: number, modified: number): FileNode {
    let entries: ReadonlyMap<string, FatEntry> | undefined
    const all = () => {
      entries ??= new Map(fatEntries(contents(cluster)).map((entry) => [entry.name, entry]))
      return entries
    }
    return {
      ...NONE,
      ...{ type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, modified },
      identity: `${name}:directory ${cluster}`,
      names: () => [...all().keys()],
      child(wanted) {
        const small = wanted.toLowerCase()
        const entry = all().get(wanted) ?? [...all().values()].find((one) => one.name.toLowerCase() === small)
        if (entry === undefined) return undefined
        return entry.directory ? directory(entry.cluster, entry.modified) : file(entry, cluster)
      },
      pieces: () => [],
    }
  }

  function contents(cluster: number): Buffer {
    if (cluster === volume.rootCluster && volume.fixedRoot !== undefined) return volume.fixedRoot
    const parts: Buffer[] = []
    for (const part of volume.chain(cluster)) {
      parts.push(part)
      if (parts.length * volume.clusterSize > MAX_DIRECTORY)
        throw unsupported('a directory is too large for FAT')
    }
    return Buffer.concat(parts)
  }

  function file({ cluster, size, modified, index }: FatEntry, parent: number): FileNode {
    return {
      ...NONE,
      ...{ type: 'file', mode: 0o755, uid: 0, gid: 0, size, modified },
      identity: `${name}:file ${parent} ${index}`,
      names: () => [],
      child: () => undefined,
      *pieces() {
        let rest = size
        for (const part of size === 0 ? [] : volume.chain(cluster)) {
          if (rest === 0) return
          const piece = part.subarray(0, Math.min(part.length, rest))
          rest -= piece.length
          yield piece
        }
        if (rest > 0) throw broken('vfat', 'a file ends too early')
      },
    }
  }

  return directory(volume.rootCluster, 0)
}
