import { basename } from 'node:path'
import { formatOf } from '../output/index.ts'
import { newestReleaseDate } from '../packages/release-dates.ts'
import type { Build } from './build.ts'
import { keepGenerated, putGenerated } from './generated.ts'
import { normaliseTree } from './normalise/rules.ts'
import { unreproduciblePaths } from './unreproducible.ts'

/** Takes out of the finished tree what two builds would write differently, or has a lock keep it, and notes what is left. */
export async function normaliseBuild(build: Build): Promise<void> {
  const { directories, request, hooks, elements } = build.job
  const { sourceDate } = build
  const put = await putGenerated(build)
  await normaliseTree({ tree: directories.mount, request, hooks, sourceDate })
  const kept = new Set([...put, ...(await keepGenerated(build))])
  const differing = await unreproduciblePaths(elements, directories.mount)
  build.unreproducible.push(...differing.filter(({ path }) => !kept.has(path)))
  for (const type of request.types) {
    const { varies, suffix } = formatOf(type)
    if (varies === undefined) continue
    build.unreproducible.push({ path: `${basename(request.imageName)}.${suffix ?? type}`, reason: varies })
  }
}

/** Names what may differ in the next build. Without a source date every file may, and to name some would mislead. */
export function reportUnreproducible(build: Build): void {
  if (build.sourceDate === undefined) return
  for (const { path, reason } of build.unreproducible) build.print(`Not reproducible: ${path} ${reason}`)
}

/**
 * The date that nothing in the image is later than: what the caller or a lock says, else the newest date of the package archives,
 * so that a build of the same archives gives the same image on another day.
 *
 * @returns seconds since 1970; undefined for a build without a record and without archives
 */
export async function sourceDateOf({ job }: Build): Promise<number | undefined> {
  if (job.sourceDate !== undefined || !job.request.record || job.aptProxy === undefined) return job.sourceDate
  const newest = await newestReleaseDate(job.aptProxy)
  return newest === undefined ? undefined : Math.floor(newest.getTime() / 1000)
}
