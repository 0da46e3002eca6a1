import type { Bytes } from '../content/bytes.ts'
import type { Slot } from '../content/disk.ts'
import type { OpenImage } from '../content/open.ts'

/** A property of the disk that differs, in words. */
export interface DiskDifference {
  readonly what: string
  readonly from: string
  readonly to: string
}

/** A larger partition without a file system is not compared byte by byte. */
const MAX_BOOT_CODE = 64 * 1024 ** 2
const CHUNK = 1024 ** 2
/** The program in a boot sector ends before the disk's signature (440) and the table of partitions. */
const BOOT_PROGRAM = 440

/**
 * What differs around the files: size, partitions, kinds and labels of file systems, and the code that boots. UUIDs do not
 * count: each build may draw its own. Empty when one of the images is an archive.
 */
export function compareDisks(from: OpenImage, to: OpenImage): readonly DiskDifference[] {
  if (from.disk === undefined || to.disk === undefined) return []
  const [before, after] = [describe(from), describe(to)]
  const told = [...new Set([...before.keys(), ...after.keys()])]
    .map((what) => ({ what, from: before.get(what) ?? 'none', to: after.get(what) ?? 'none' }))
    .filter((row) => row.from !== row.to)
  return [...told, ...compareBootCode(from, to)]
}

function describe({ virtualSize, layout }: OpenImage): ReadonlyMap<string, string> {
  const slots = layout.slots.flatMap(({ partition, fileSystem }): [string, string][] => {
    const name = partition === undefined ? 'disk' : `partition ${partition.number}`
    const { type = 'none', label = '' } = fileSystem ?? {}
    return [
      [`${name}: file system`, `${type} ${label}`.trimEnd()],
      ...(partition === undefined
        ? []
        : ([
            [`${name}: type`, `${partition.type} ${partition.name ?? ''}`.trimEnd()],
            [`${name}: bytes`, String(partition.size)],
          ] as [string, string][])),
    ]
  })
  return new Map([['bytes', String(virtualSize)], ['partition table', layout.table ?? 'none'], ...slots])
}

function compareBootCode(from: OpenImage, to: OpenImage): DiskDifference[] {
  const other = new Map(bootCode(to))
  return bootCode(from).flatMap(([what, bytes]) => {
    const now = other.get(what)
    if (now === undefined || now.size !== bytes.size || same(bytes, now)) return []
    return [{ what, from: 'code', to: 'other code' }]
  })
}

function bootCode({ disk, layout }: OpenImage): [string, Bytes][] {
  if (disk === undefined || layout.table === undefined) return []
  const raw = layout.slots.filter(
    ({ fileSystem, bytes, partition }): boolean =>
      fileSystem === undefined &&
      bytes.size <= MAX_BOOT_CODE &&
      (partition?.offset ?? 0) + bytes.size <= disk.size,
  )
  return [
    ['boot sector', { size: Math.min(BOOT_PROGRAM, disk.size), read: disk.read }],
    ...raw.map(({ partition, bytes }: Slot): [string, Bytes] => [`partition ${partition?.number}`, bytes]),
  ]
}

function same(a: Bytes, b: Bytes): boolean {
  for (let at = 0; at < a.size; at += CHUNK) {
    const length = Math.min(CHUNK, a.size - at)
    if (!a.read(at, length).equals(b.read(at, length))) return false
  }
  return true
}
