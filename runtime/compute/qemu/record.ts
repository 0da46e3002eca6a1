import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import type { Flavor } from '../../model/flavor.ts'
import type { SecurityRule, ServerSpec } from '../types.ts'

/** What is kept of a server besides its disks: all that a start needs. Nothing secret; that is on the config drive only. */
export interface ServerRecord {
  readonly version: 1
  readonly id: string
  readonly name: string
  readonly instanceId: string
  readonly tenantId: string
  readonly flavor: Flavor
  readonly image: ServerSpec['image']
  readonly volumeIds: readonly string[]
  readonly rules: readonly SecurityRule[]
  /** See slots.ts. */
  readonly slot: number
  readonly address: string
  readonly mac: string
  /** User and group id that QEMU runs under; undefined: ours. */
  readonly uid?: number
}

/** What is kept of a volume besides its data. */
export interface VolumeRecord {
  readonly version: 1
  readonly id: string
  readonly name: string
  readonly instanceId: string
  readonly sizeGb: number
}

/** Reads a record. @returns undefined when there is none */
export async function readRecord<T extends ServerRecord | VolumeRecord>(
  file: string,
): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}

/** Writes a record so that a crash leaves either the old one or the new one. Mode 0600. */
export async function writeRecord(file: string, record: ServerRecord | VolumeRecord): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(record, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
  await syncDirectory(dirname(file))
}

/** Makes renames in a directory last. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
