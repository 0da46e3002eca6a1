import { basename } from 'node:path'
import { formatOf } from '../output/index.ts'
import type { Build } from './build.ts'
import { normaliseTree } from './normalise/rules.ts'
import { unreproduciblePaths } from './unreproducible.ts'

/** Takes out of the finished tree what two builds would write differently, and notes in the build what cannot be. */
export async function normaliseBuild(build: Build): Promise<void> {
  const { directories, request, hooks, elements, sourceDate } = build.job
  await normaliseTree({ tree: directories.mount, request, hooks, sourceDate })
  build.unreproducible.push(...(await unreproduciblePaths(elements, directories.mount)))
  for (const type of request.types) {
    const { varies, suffix } = formatOf(type)
    if (varies === undefined) continue
    build.unreproducible.push({ path: `${basename(request.imageName)}.${suffix ?? type}`, reason: varies })
  }
}

/** Names what may differ in the next build. Without a source date every file may, and to name some would mislead. */
export function reportUnreproducible(build: Build): void {
  if (build.job.sourceDate === undefined) return
  for (const { path, reason } of build.unreproducible) build.print(`Not reproducible: ${path} ${reason}`)
}

/** Files beside the image get the permissions that the caller's umask allows; what is in the image has its own umask. */
export async function asCaller<T>(build: Build, action: () => Promise<T>): Promise<T> {
  const own = process.umask(build.callerUmask)
  try {
    return await action()
  } finally {
    process.umask(own)
  }
}
