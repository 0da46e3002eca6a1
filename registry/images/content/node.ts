/** What a name in an image can stand for. */
export type NodeType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'character device'
  | 'block device'
  | 'fifo'
  | 'socket'

/**
 * A file, directory or other object of an image's tree. Its functions read from the image when they are called, and throw
 * CofferError IMAGE_CONTENT_BROKEN when what they need is damaged.
 */
export interface FileNode {
  readonly type: NodeType
  /** Permissions: twelve bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file or of a symbolic link's target. */
  readonly size: number
  /** Seconds since 1970. */
  readonly modified: number
  /** How many names it has. */
  readonly links: number
  /** Equal for the names of one object, different for different objects of one image. */
  readonly identity: string
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number]
  /** Names in a directory, without `.` and `..`; empty for what is no directory. */
  readonly names: () => readonly string[]
  readonly child: (name: string) => FileNode | undefined
  /** What a symbolic link says. */
  readonly target: () => string
  /** A file's bytes in order, in pieces of at most {@link MAX_PIECE}. Holes come as parts of {@link ZEROS}. */
  readonly pieces: () => Iterable<Buffer>
  /** Extended attributes by their whole names. */
  readonly attributes: () => ReadonlyMap<string, Buffer>
}

/** Bytes of the largest piece that {@link FileNode.pieces} gives. */
export const MAX_PIECE = 1024 ** 2

/** What holes are made of, so that a reader knows them without looking. */
export const ZEROS: Buffer = Buffer.alloc(MAX_PIECE)

/** Pieces of a hole. */
export function* hole(bytes: number): Iterable<Buffer> {
  for (let rest = bytes; rest > 0; rest -= MAX_PIECE) yield ZEROS.subarray(0, Math.min(rest, MAX_PIECE))
}

const TYPES: Readonly<Record<number, NodeType>> = {
  1: 'fifo',
  2: 'character device',
  4: 'directory',
  6: 'block device',
  8: 'file',
  10: 'symlink',
  12: 'socket',
}

/** The type in the upper four bits of a mode (inode(7)); undefined when it is none. */
export const typeOfMode = (mode: number): NodeType | undefined => TYPES[mode >> 12]
