import { configError } from './errors.ts'
import { fstabText } from './fstab.ts'
import { type BlockDeviceGraph, sortMounts } from './graph.ts'
import type {
  DiskLayout,
  Extent,
  FileSystemLayout,
  ImageLayout,
  MountLayout,
  TableLayout,
} from './layout-types.ts'
import type { BlockNode, ImageNode, PartitionNode } from './nodes.ts'
import { placeGpt, placeMbr } from './place-partitions.ts'

export { canWriteAsFile } from './file-mode.ts'
export type * from './layout-types.ts'

/** The image every other part of the build asks for by this name (DIB contract §3.4). */
export const MAIN_IMAGE = 'image0'

/**
 * Computes where everything goes: pure, from a graph and the size of the image.
 *
 * @param imageSizeBytes size of every image whose configuration gives none; a multiple of its sector size
 * @throws CofferError `BLOCK_DEVICE_TOO_SMALL`, `BLOCK_DEVICE_CONFIG_INVALID`, `BLOCK_DEVICE_SIZE_INVALID`
 */
export function layOut(graph: BlockDeviceGraph, imageSizeBytes: number): DiskLayout {
  const images = ofKind(graph, 'image').map((node) => imageLayout(node, graph, imageSizeBytes))
  if (!images.some((image) => image.name === MAIN_IMAGE)) {
    throw configError(`The block device configuration has no local_loop named ${MAIN_IMAGE}`, {
      hint: `Name the disk that becomes the image ${MAIN_IMAGE}.`,
    })
  }
  const extents = partitionExtents(images)
  const whole = Object.fromEntries(
    images.map((image): [string, Extent] => [
      image.name,
      { image: image.name, offset: 0, size: image.sizeBytes },
    ]),
  )
  const mountNodes = sortMounts(ofKind(graph, 'mount'))
  const fileSystems = ofKind(graph, 'filesystem').map((node): FileSystemLayout => {
    const mount = mountNodes.find((candidate) => candidate.base === node.name)
    return {
      name: node.name,
      base: node.base,
      extent: extents[node.base] ?? whole[node.base],
      type: node.type,
      label: node.label,
      uuid: node.uuid,
      options: node.options,
      mountPoint: node.type === 'swap' ? undefined : mount?.mountPoint,
    }
  })
  const mounts = mountNodes.map((node): MountLayout => {
    const fileSystem = fileSystems.find((candidate) => candidate.name === node.base)
    if (fileSystem === undefined) throw configError(`${node.name} mounts ${node.base}, which is not a mkfs`)
    return {
      name: node.name,
      mountPoint: node.mountPoint,
      fileSystem: node.base,
      swap: fileSystem.type === 'swap',
    }
  })
  return {
    images,
    extents,
    lvm: ofKind(graph, 'lvm'),
    fileSystems,
    mounts,
    fstab: fstabText(mounts, fileSystems, ofKind(graph, 'fstab')),
  }
}

type NodeOf<Kind extends BlockNode['kind']> = Extract<BlockNode, { kind: Kind }>

function ofKind<Kind extends BlockNode['kind']>(graph: BlockDeviceGraph, kind: Kind): NodeOf<Kind>[] {
  return graph.nodes.filter((node): node is NodeOf<Kind> => node.kind === kind)
}

function imageLayout(node: ImageNode, graph: BlockDeviceGraph, imageSizeBytes: number): ImageLayout {
  const sizeBytes = node.sizeBytes ?? imageSizeBytes
  if (sizeBytes <= 0 || sizeBytes % node.sectorSize !== 0) {
    throw configError(
      `The size of ${node.name} is ${sizeBytes} bytes, which is not a whole number of ${node.sectorSize}-byte sectors`,
    )
  }
  return {
    name: node.name,
    sizeBytes,
    sectorSize: node.sectorSize,
    directory: node.directory,
    table: tableLayout(node, sizeBytes, ofKind(graph, 'partition')),
  }
}

function tableLayout(
  image: ImageNode,
  sizeBytes: number,
  all: readonly PartitionNode[],
): TableLayout | undefined {
  const nodes = all.filter((node) => node.base === image.name)
  const table = nodes[0]?.table
  if (table === undefined) return undefined
  if (nodes.some((node) => node.table.name !== table.name)) {
    throw configError(`${image.name} has more than one partition table`)
  }
  const disk = { sizeBytes, sectorSize: image.sectorSize }
  return {
    label: table.label,
    name: table.name,
    id: table.label === 'gpt' ? image.uuid.toUpperCase() : image.uuid.slice(0, 8).toLowerCase(),
    partitions: table.label === 'gpt' ? placeGpt(nodes, disk) : placeMbr(nodes, disk),
  }
}

function partitionExtents(images: readonly ImageLayout[]): Record<string, Extent> {
  const extents: Record<string, Extent> = {}
  for (const image of images) {
    for (const partition of image.table?.partitions ?? []) {
      if (partition.name === undefined) continue
      extents[partition.name] = {
        image: image.name,
        offset: partition.startSector * image.sectorSize,
        size: partition.sizeSectors * image.sectorSize,
      }
    }
  }
  return extents
}
