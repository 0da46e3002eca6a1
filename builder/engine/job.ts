import type { BuildRequest } from '../request/request.ts'
import { programPath } from './base-environment.ts'
import { type BuildJob, directoriesOf } from './build.ts'
import type { PreparedBuild } from './prepare.ts'
import { imageSeed } from './seed.ts'

/** What is decided only when the build starts. */
export interface JobPlace {
  readonly build: string
  readonly image: string
  readonly tmpfs: boolean
  readonly aptProxy: string | undefined
  readonly version: string
}

/** The search path for programs of a build. */
export function searchPathOf(request: BuildRequest): string {
  return programPath(request.callerEnv.PATH, new URL('../libexec', import.meta.url).pathname)
}

/** The worker's job: what was prepared, at a place. */
export function makeJob(prepared: PreparedBuild, place: JobPlace): BuildJob {
  return {
    request: prepared.request,
    elements: prepared.elements,
    searchPath: prepared.searchPath,
    hooks: prepared.hooks,
    blockDeviceYaml: prepared.blockDevice.yaml,
    loopReason: prepared.loopReason,
    directories: directoriesOf(place.build, place.image),
    tmpfs: place.tmpfs,
    libDir: new URL('../lib', import.meta.url).pathname,
    path: searchPathOf(prepared.request),
    aptProxy: place.aptProxy,
    version: place.version,
    seed: imageSeed(prepared),
    sourceDate: prepared.request.sourceDate,
    owner: outputOwner(prepared.request),
  }
}

function outputOwner(request: BuildRequest): BuildJob['owner'] {
  const [uid, gid] = [Number(request.callerEnv.SUDO_UID), Number(request.callerEnv.SUDO_GID)]
  return Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 ? { uid, gid } : undefined
}
