/** Nodes of the block device graph: one for each thing that is made, in DIB's vocabulary (contract §4.3). */

/** A disk image file. */
export interface ImageNode {
  readonly kind: 'image'
  readonly name: string
  /** Bytes, when the configuration gives a size of its own. */
  readonly sizeBytes: number | undefined
  readonly directory: string | undefined
  /** Bytes in a logical sector: 512 or 4096. */
  readonly sectorSize: number
  /** Identity of the partition table on it: a GPT's GUID; its first 32 bits are an MBR's disk id. */
  readonly uuid: string
}

/** A partition table. Its partitions are the nodes; the table itself is none. */
export interface TableSpec {
  readonly name: string
  readonly base: string
  readonly label: 'mbr' | 'gpt'
  /** Bytes; honoured for mbr only, as in DIB. */
  readonly alignBytes: number
}

export interface PartitionNode {
  readonly kind: 'partition'
  readonly name: string
  readonly base: string
  readonly table: TableSpec
  /** Absolute or relative, as configured. */
  readonly size: string
  /** As configured. mbr: a hexadecimal byte such as `83`; gpt: an sgdisk code such as `EF00`, or a GUID. */
  readonly type: string
  readonly bootable: boolean
  readonly primary: boolean
  /** The partition listed before it in the same table. */
  readonly previous: string | undefined
  readonly uuid: string
}

export interface PhysicalVolumeNode {
  readonly kind: 'pv'
  readonly name: string
  readonly base: string
  readonly options: readonly string[]
}

export interface VolumeGroupNode {
  readonly kind: 'vg'
  readonly name: string
  readonly base: readonly string[]
  readonly options: readonly string[]
}

export interface LogicalVolumeNode {
  readonly kind: 'lv'
  readonly name: string
  readonly base: string
  /** Bytes, a multiple of 4 MiB. */
  readonly sizeBytes: number | undefined
  readonly extents: string | undefined
  readonly options: readonly string[]
  readonly type: 'thin' | 'thin-pool' | undefined
  readonly thinPool: string | undefined
}

/** All of one `lvm` entry: the moment its commands run. Its volumes stand on it in the graph. */
export interface LvmNode {
  readonly kind: 'lvm'
  readonly name: string
  readonly pvs: readonly PhysicalVolumeNode[]
  readonly vgs: readonly VolumeGroupNode[]
  readonly lvs: readonly LogicalVolumeNode[]
}

export interface FileSystemNode {
  readonly kind: 'filesystem'
  readonly name: string
  readonly base: string
  readonly type: string
  readonly label: string
  readonly options: readonly string[]
  readonly uuid: string
}

export interface MountNode {
  readonly kind: 'mount'
  readonly name: string
  readonly base: string
  readonly mountPoint: string
}

export interface FstabNode {
  readonly kind: 'fstab'
  readonly name: string
  readonly base: string
  /** Undefined when not configured. */
  readonly options: string | undefined
  readonly dumpFreq: number
  readonly fsckPassNo: number
}

export type BlockNode =
  | ImageNode
  | PartitionNode
  | PhysicalVolumeNode
  | VolumeGroupNode
  | LogicalVolumeNode
  | LvmNode
  | FileSystemNode
  | MountNode
  | FstabNode
