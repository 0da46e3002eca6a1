import { lchown, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { isFile } from '../../lib/path-kind.ts'
import { type Algorithm, checksumLine, digests } from './checksums.ts'
import type { Output, OutputFormat } from './types.ts'

/** Options of {@link finishOutput}. */
export interface FinishOptions {
  readonly log: Log
  readonly checksums: readonly Algorithm[]
  /** True replaces an older image instead of keeping it under another name. */
  readonly overwrite: boolean
  /** Who shall own the files; default: whoever runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

/**
 * Puts `PATH-new` in its place as `PATH` (DIB contract §5, the finish step). Everything slow happens before the first
 * rename, so an interruption leaves the older image as it was.
 */
export async function finishOutput(
  format: OutputFormat,
  path: string,
  options: FinishOptions,
): Promise<Output> {
  const algorithms = format.finish === 'image' ? options.checksums : []
  const sums = await digests(`${path}-new`, algorithms, options.signal)
  for (const [algorithm, digest] of sums)
    await writeFile(`${path}.${algorithm}-new`, checksumLine(digest, path))
  if (options.owner !== undefined) {
    const { uid, gid } = options.owner
    for (const file of [path, ...algorithms.map((algorithm) => `${path}.${algorithm}`)]) {
      await lchown(`${file}-new`, uid, gid)
    }
  }
  if (format.finish === 'image') await clearPlace(path, options)
  await rename(`${path}-new`, path)
  for (const algorithm of algorithms) await rename(`${path}.${algorithm}-new`, `${path}.${algorithm}`)
  if (format.finish === 'image') options.log.info(`Image file ${path} created...`)
  const sha256 = sums.get('sha256')
  const { size } = await stat(path)
  return { path, format: format.name, bytes: size, ...(sha256 === undefined ? {} : { sha256 }) }
}

/** Moves an older image and its checksums aside; or, when it is to be overwritten, drops checksums that would lie. */
async function clearPlace(
  path: string,
  { log, overwrite, clock = systemClock }: FinishOptions,
): Promise<void> {
  if (!(await isFile(path))) return
  const sums = [`${path}.md5`, `${path}.sha256`]
  if (overwrite) {
    for (const sum of sums) await rm(sum, { force: true })
    return
  }
  const old = timestampedName(path, clock.now())
  log.info(`Old image found. Renaming it to ${old}`)
  await rename(path, old)
  for (const sum of sums) {
    if (await isFile(sum)) await rename(sum, `${old}${sum.slice(path.length)}`)
  }
}

/** `dir/name-YYYY.MM.DD-HH.MM.SS.ext` in local time, as DIB names an older image. */
export function timestampedName(path: string, date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('.')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join('.')
  const dot = path.lastIndexOf('.')
  return `${path.slice(0, dot)}-${day}-${time}${path.slice(dot)}`
}
