import { readFile } from 'node:fs/promises'
import type { Log } from '../../lib/log.ts'
import type { BuildRequest } from '../request/request.ts'

/** A tmpfs build needs twice `--min-tmpfs` of memory (DIB contract §1.8). */
export async function memoryAllows(request: BuildRequest, log: Log): Promise<boolean> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const totalKiB = Number(/^MemTotal:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  const neededGiB = request.minTmpfsGiB * 2
  if (totalKiB >= neededGiB * 1024 * 1024) return true
  log.warn(`Not enough RAM to use tmpfs for build. Using ${request.tmpDir}. (${totalKiB} < ${neededGiB}G)`)
  return false
}
