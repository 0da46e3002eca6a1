import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { removeTree } from '../../../lib/tree.ts'
import type { VolumeSpec, VolumeState } from '../types.ts'
import { makeFileSystem } from './file-system.ts'
import { checkDisk } from './host-limits.ts'
import { BUILDING, isId, type Layout } from './layout.ts'
import { readRecord, syncDirectory, type VolumeRecord, writeRecord } from './record.ts'

const GiB = 1024 ** 3

/** Volumes as files. */
export interface Volumes {
  readonly create: (spec: VolumeSpec) => Promise<void>
  readonly get: (id: string) => Promise<VolumeState | undefined>
  readonly remove: (id: string) => Promise<void>
  readonly list: () => Promise<readonly VolumeState[]>
}

/**
 * Volumes as sparse raw files below the state directory.
 *
 * Raw and not qcow2: it is the fastest format to write, has no metadata that a kill could damage, grows by truncation,
 * is copied in no time where the file system can share blocks, and any tool can read it in an emergency.
 *
 * @param usersOf ids of the servers that a volume belongs to, running or not
 */
export function openVolumes(
  layout: Layout,
  usersOf: (volumeId: string) => Promise<readonly string[]>,
): Volumes {
  const stateOf = async ({ id, instanceId, sizeGb }: VolumeRecord): Promise<VolumeState> => {
    const users = await usersOf(id)
    return { id, instanceId, sizeGb, status: users.length > 0 ? 'in-use' : 'available' }
  }
  const get = async (id: string): Promise<VolumeState | undefined> => {
    const paths = layout.volume(id)
    const record = await readRecord<VolumeRecord>(paths.record)
    if (record !== undefined) return stateOf(record)
    const half = await readRecord<VolumeRecord>(join(paths.building, 'volume.json'))
    return half === undefined
      ? undefined
      : { id, instanceId: half.instanceId, sizeGb: half.sizeGb, status: 'creating' }
  }
  return {
    get,
    async create({ id, name, sizeGb, instanceId, fsType }) {
      const paths = layout.volume(id)
      if ((await readRecord(paths.record)) !== undefined) return
      if (!Number.isFinite(sizeGb) || sizeGb <= 0) {
        throw new CofferError('VOLUME_SIZE_INVALID', `A volume cannot have ${sizeGb} GiB`)
      }
      await removeTree(paths.building)
      await mkdir(paths.building, { recursive: true, mode: 0o700 })
      const record: VolumeRecord = { version: 1, id, name, instanceId, sizeGb }
      await writeRecord(join(paths.building, 'volume.json'), record)
      try {
        await checkDisk(paths.building, sizeGb * GiB)
      } catch (error) {
        await removeTree(paths.building)
        throw error
      }
      const file = join(paths.building, 'data.raw')
      const data = await open(file, 'wx', 0o600)
      try {
        await data.truncate(sizeGb * GiB)
        await makeFileSystem(file, fsType, sizeGb * GiB)
        await data.sync()
      } finally {
        await data.close()
      }
      await rename(paths.building, paths.directory)
      await syncDirectory(layout.volumes)
    },
    async remove(id) {
      const paths = layout.volume(id)
      const users = await usersOf(id)
      if (users.length > 0) {
        throw new CofferError('VOLUME_IN_USE', `Volume ${id} belongs to server ${users[0]}`, {
          hint: 'Delete the server first.',
          retryable: true,
        })
      }
      await removeTree(paths.building)
      // Taken out of sight in one step: a kill in the middle leaves no volume that lacks its data.
      await rename(paths.directory, paths.building).catch((error: unknown) => {
        if (!isErrno(error, 'ENOENT')) throw error
      })
      await removeTree(paths.building)
    },
    async list() {
      const names = await readdir(layout.volumes).catch((error: unknown) => {
        if (isErrno(error, 'ENOENT')) return []
        throw error
      })
      const ids = new Set(names.map((name) => name.replace(BUILDING, '')).filter(isId))
      const states = await Promise.all([...ids].map(get))
      return states.filter((state) => state !== undefined)
    },
  }
}
