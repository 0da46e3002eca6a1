import { configError, tooSmall } from './errors.ts'
import type { PartitionLayout } from './layout-types.ts'
import type { PartitionNode } from './nodes.ts'
import { gptTypeGuid, mbrTypeId } from './partition-types.ts'
import { MIB, parseRelativeSize } from './size.ts'

/** The disk a table is placed on. */
export interface Disk {
  readonly sizeBytes: number
  readonly sectorSize: number
}

const MOST_MBR_ENTRIES = 4
/** MBR entries hold 32-bit sector numbers. */
const MOST_MBR_SECTORS = 2 ** 32
const MOST_GPT_ENTRIES = 128
/** Bytes DIB leaves free on a GPT disk: 1 MiB in front, 1 MiB at the end (contract §4.3). */
const GPT_RESERVED = 2 * MIB

/**
 * Places partitions on an MBR disk as DIB's writer does (contract §4.3): the first at the first aligned sector (2048),
 * each end rounded up to the alignment, one alignment unit left free at the end. The first partition that is not
 * primary opens an extended one over the rest of the disk; each logical one has its EBR an alignment unit before it.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID`, `BLOCK_DEVICE_TOO_SMALL`, `BLOCK_DEVICE_SIZE_INVALID`
 */
export function placeMbr(nodes: readonly PartitionNode[], disk: Disk): PartitionLayout[] {
  const unit = (nodes[0]?.table.alignBytes ?? MIB) / disk.sectorSize
  const total = Math.min(Math.floor(disk.sizeBytes / disk.sectorSize), MOST_MBR_SECTORS)
  const alignUp = (sector: number) => Math.ceil(sector / unit) * unit
  const placed: PartitionLayout[] = []
  let free = unit
  let logicals = 0
  for (const node of nodes) {
    if (node.primary && logicals > 0) throw configError('All primary partitions must be given first')
    const takesEntry = node.primary || logicals === 0
    if (takesEntry && placed.length >= MOST_MBR_ENTRIES) {
      throw configError('An MBR holds at most four primary partitions', {
        hint: 'Take the primary flag from the last ones, or use label: gpt.',
      })
    }
    if (!node.primary && logicals === 0) placed.push(extended(placed.length + 1, free, total - free))
    if (!node.primary) logicals += 1
    const bytes = parseRelativeSize(node.size, (total - (free + unit)) * disk.sectorSize)
    const startSector = node.primary ? free : free + unit
    const sizeSectors = Math.floor(bytes / disk.sectorSize)
    requireRoom(node, sizeSectors, total - startSector)
    placed.push({
      name: node.name,
      number: node.primary ? placed.length + 1 : MOST_MBR_ENTRIES + logicals,
      kind: node.primary ? 'primary' : 'logical',
      startSector,
      sizeSectors,
      type: node.type,
      typeId: mbrTypeId(node.type),
      bootable: node.bootable,
      uuid: undefined,
    })
    free = alignUp(startSector + sizeSectors)
  }
  return placed
}

function extended(number: number, startSector: number, sizeSectors: number): PartitionLayout {
  return {
    name: undefined,
    number,
    kind: 'extended',
    startSector,
    sizeSectors,
    type: '0f',
    typeId: '0f',
    bootable: false,
    uuid: undefined,
  }
}

/**
 * Places partitions on a GPT disk as DIB does with sgdisk (contract §4.3): one behind the other from 1 MiB on, sizes
 * rounded down to whole MiB, 1 MiB left free at the end.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID`, `BLOCK_DEVICE_TOO_SMALL`, `BLOCK_DEVICE_SIZE_INVALID`
 */
export function placeGpt(nodes: readonly PartitionNode[], disk: Disk): PartitionLayout[] {
  if (nodes.length > MOST_GPT_ENTRIES) throw configError('A GPT holds at most 128 partitions')
  const perMib = MIB / disk.sectorSize
  let freeBytes = disk.sizeBytes - GPT_RESERVED
  let startSector = perMib
  return nodes.map((node, index) => {
    const bytes = parseRelativeSize(node.size, freeBytes)
    const sizeSectors = Math.floor(bytes / MIB) * perMib
    requireRoom(node, sizeSectors, Math.floor(freeBytes / disk.sectorSize))
    const placed: PartitionLayout = {
      name: node.name,
      number: index + 1,
      kind: 'primary',
      startSector,
      sizeSectors,
      type: node.type,
      typeId: gptTypeGuid(node.type),
      bootable: false,
      uuid: node.uuid,
    }
    freeBytes -= bytes
    startSector += sizeSectors
    return placed
  })
}

function requireRoom(node: PartitionNode, wanted: number, free: number): void {
  if (wanted >= 1 && wanted <= free) return
  throw tooSmall(
    wanted < 1
      ? `There is no room left for partition ${node.name} (size ${node.size})`
      : `Partition ${node.name} (size ${node.size}) needs ${wanted} sectors, but ${Math.max(free, 0)} are free`,
  )
}
