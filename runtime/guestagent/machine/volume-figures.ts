import { statfs } from 'node:fs/promises'

/** How full a file system is, in GB of 2^30 bytes, as heartbeats carry it. */
export interface VolumeFigures {
  readonly total: number
  readonly used: number
}

/** The answer of `get_volume_info` (contract §4.3): sizes in GB, `free` in bytes. */
export interface VolumeInfo {
  readonly block_size: number
  readonly total_blocks: number
  readonly free_blocks: number
  readonly total: number
  readonly free: number
  readonly used: number
}

const GB = 1024 ** 3
const twoPlaces = (value: number): number => Math.round(value * 100) / 100

/** The file system that holds a path. */
export async function volumeInfo(path: string): Promise<VolumeInfo> {
  const facts = await statfs(path)
  return {
    block_size: facts.bsize,
    total_blocks: facts.blocks,
    free_blocks: facts.bfree,
    total: twoPlaces((facts.blocks * facts.bsize) / GB),
    free: facts.bfree * facts.bsize,
    used: twoPlaces(((facts.blocks - facts.bfree) * facts.bsize) / GB),
  }
}

/** The same for a heartbeat; undefined when the path is not there. */
export async function volumeFigures(path: string): Promise<VolumeFigures | undefined> {
  const { total, used } = await volumeInfo(path).catch(() => ({ total: undefined, used: undefined }))
  return total === undefined ? undefined : { total, used }
}
