import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir } from 'node:fs/promises'

/** Milliseconds between two looks at the memory. */
const INTERVAL = 100

const V1 = '/sys/fs/cgroup/memory'
const V2 = '/sys/fs/cgroup'

/** Memory of all processes of a command together, with what they keep in tmpfs. */
export interface MemoryMeter {
  /** Shell text that puts the shell it runs in, and what that starts, under the meter. */
  readonly enter: string
  /** Ends metering. @returns the largest sum seen, in bytes; undefined where the kernel cannot tell */
  readonly stop: () => Promise<number | undefined>
}

/**
 * Meters by a control group of its own, version 1 or 2: memory of processes and of tmpfs, without the page cache, which is
 * no need of theirs. Where no group can be made the meter sees nothing.
 */
export async function memoryMeter(): Promise<MemoryMeter> {
  const [top, keys] = existsSync(`${V1}/memory.stat`)
    ? [V1, ['total_rss', 'total_shmem']]
    : [V2, ['anon', 'shmem']]
  const group = `${top}/coffer-bench.${process.pid}`
  const made = await mkdir(group, { recursive: true }).then(
    () => existsSync(`${group}/memory.stat`),
    () => false,
  )
  if (!made) return { enter: ':', stop: async () => undefined }
  let peak = 0
  const look = async () => {
    const text = await readFile(`${group}/memory.stat`, 'utf8').catch(() => '')
    const of = (key: string) => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
    peak = Math.max(
      peak,
      keys.reduce((sum, key) => sum + of(key), 0),
    )
  }
  const timer = setInterval(look, INTERVAL)
  return {
    enter: `echo $$ >${group}/cgroup.procs`,
    async stop() {
      clearInterval(timer)
      await rmdir(group).catch(() => undefined)
      return peak
    },
  }
}
