import { readFile, statfs } from 'node:fs/promises'
import { CofferError } from '../../../lib/errors.ts'

/** Memory of this machine, MiB. */
export interface HostMemory {
  readonly total: number
  /** What could be had without swapping. */
  readonly available: number
}

/** Reads /proc/meminfo. */
export function parseMemory(text: string): HostMemory {
  const mib = (name: string) =>
    Math.floor(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024)
  return { total: mib('MemTotal'), available: mib('MemAvailable') }
}

/**
 * Whether a server of that memory can start. Guests rarely touch all they have, so memory may be promised twice; but a
 * guest that is larger than the machine never fits, and one that would get a quarter of its memory soon takes others down.
 *
 * @param wanted MiB
 * @returns a warning when memory is promised twice
 * @throws CofferError `HOST_MEMORY_SHORT`
 */
export function judgeMemory(wanted: number, { total, available }: HostMemory): string | undefined {
  if (wanted > total || available < wanted / 4) {
    throw new CofferError(
      'HOST_MEMORY_SHORT',
      `A server of ${wanted} MiB does not fit: this machine has ${total} MiB, of which ${available} are available`,
      { hint: 'Choose a smaller flavor, or delete or stop something.' },
    )
  }
  return available < wanted ? 'More memory is promised to guests than this machine has available' : undefined
}

/** As {@link judgeMemory}, of this machine as it is now. */
export async function checkMemory(wanted: number): Promise<string | undefined> {
  return judgeMemory(wanted, parseMemory(await readFile('/proc/meminfo', 'utf8')))
}

/**
 * Whether a file that may grow to that size can be made. Files are sparse and disks may be promised twice, but one that
 * does not fit even alone is refused.
 *
 * @param bytes its full size
 * @throws CofferError `HOST_DISK_SHORT`
 */
export async function checkDisk(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (bytes <= free) return
  const gib = (count: number) => (count / 1024 ** 3).toFixed(1)
  throw new CofferError(
    'HOST_DISK_SHORT',
    `${gib(bytes)} GiB do not fit: ${directory} has ${gib(free)} GiB free`,
    {
      hint: 'Choose a smaller size, make room, or put the state directory on a larger disk.',
    },
  )
}
