import type { LvmNode } from './nodes.ts'

/** One entry of a partition table. */
export interface PartitionLayout {
  /** Undefined for an extended partition, which the configuration does not name. */
  readonly name: string | undefined
  /** Number the kernel gives it: 1 to 4 primary and extended, 5 and on logical. On GPT 1 and on. */
  readonly number: number
  readonly kind: 'primary' | 'extended' | 'logical'
  readonly startSector: number
  readonly sizeSectors: number
  /** As configured: a hexadecimal byte, or an sgdisk code. */
  readonly type: string
  /** As the table holds it: a hexadecimal byte, or a GUID. */
  readonly typeId: string
  readonly bootable: boolean
  /** GPT only. */
  readonly uuid: string | undefined
}

export interface TableLayout {
  readonly label: 'mbr' | 'gpt'
  readonly name: string
  /** GUID of a GPT; 8 hexadecimal digits, the disk id, of an MBR. */
  readonly id: string
  readonly partitions: readonly PartitionLayout[]
}

/** One disk image file. */
export interface ImageLayout {
  readonly name: string
  readonly sizeBytes: number
  readonly sectorSize: number
  /** Where the configuration wants the file; the image directory when undefined. */
  readonly directory: string | undefined
  readonly table: TableLayout | undefined
}

/** A piece of an image: the whole of it, or one partition. Bytes. */
export interface Extent {
  readonly image: string
  readonly offset: number
  readonly size: number
}

export interface FileSystemLayout {
  /** Its node, for example `mkfs_root`. */
  readonly name: string
  /** The node it is made on: a partition, an image or a logical volume. */
  readonly base: string
  /** Undefined on a logical volume. */
  readonly extent: Extent | undefined
  readonly type: string
  readonly label: string
  readonly uuid: string
  readonly options: readonly string[]
  /** Undefined when it is not mounted. */
  readonly mountPoint: string | undefined
}

export interface MountLayout {
  readonly name: string
  readonly mountPoint: string
  /** Name of the file system. */
  readonly fileSystem: string
  /** True for swap, which has no place in the tree. */
  readonly swap: boolean
}

/** A whole disk layout: what is where, to the sector. Nothing in it depends on the host. */
export interface DiskLayout {
  readonly images: readonly ImageLayout[]
  /** Partitions by name. */
  readonly extents: Readonly<Record<string, Extent>>
  readonly lvm: readonly LvmNode[]
  /** In the order of creating. */
  readonly fileSystems: readonly FileSystemLayout[]
  /** Parents first. */
  readonly mounts: readonly MountLayout[]
  /** The text of /etc/fstab. */
  readonly fstab: string
}
