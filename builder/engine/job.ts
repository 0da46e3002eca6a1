import type { Environment } from '../../lib/exec.ts'
import { CACHE_START } from '../cache/cache-steps.ts'
import type { BuildRequest } from '../request/request.ts'
import type { Privilege } from '../sandbox/rootless.ts'
import { programPath } from './base-environment.ts'
import { type BuildJob, directoriesOf } from './build.ts'
import type { PreparedBuild } from './prepare.ts'
import { imageSeed } from './seed.ts'

/** What is decided only when the build starts. */
export interface JobPlace {
  readonly build: string
  readonly image: string
  readonly tmpfs: boolean
  readonly privilege: Privilege
  readonly aptProxy: string | undefined
  readonly version: string
  readonly steps: BuildJob['steps']
  readonly hits: BuildJob['hits']
  readonly cache: BuildJob['cache']
  readonly oldLists: boolean
  /** Where content that a lock will keep is handed out; undefined when none is made. */
  readonly generatedIn: string | undefined
  /** Where scripts outside find the rules of a lock, and the commits of one. */
  readonly inputEnvironment: Readonly<Record<string, string>>
}

const LIBEXEC = new URL('../libexec', import.meta.url).pathname

/** The search path for programs of a build. */
export function searchPathOf(request: BuildRequest): string {
  return programPath(request.callerEnv.PATH, LIBEXEC)
}

/** The same inside the sandbox. */
export function sandboxPathOf(request: BuildRequest, { kind }: Privilege): string {
  const path = searchPathOf(request)
  // The machine's sudo refuses to work in a user namespace: our stand-in comes before it.
  return kind === 'rootless' ? `${LIBEXEC}:${path}` : path
}

/** The worker's job: what was prepared, at a place. */
export function makeJob(prepared: PreparedBuild, place: JobPlace): BuildJob {
  const { request } = prepared
  return {
    request,
    elements: prepared.elements,
    searchPath: prepared.searchPath,
    hooks: prepared.hooks,
    blockDeviceYaml: prepared.blockDevice.yaml,
    loopReason: prepared.loopReason,
    directories: directoriesOf(place.build, place.image),
    tmpfs: place.tmpfs,
    rootless: place.privilege.kind !== 'root',
    libDir: new URL('../lib', import.meta.url).pathname,
    path: sandboxPathOf(request, place.privilege),
    aptProxy: place.aptProxy,
    version: place.version,
    steps: place.steps,
    hits: place.hits,
    startKey: CACHE_START,
    cache: place.cache,
    oldLists: place.oldLists,
    inputEnvironment: place.inputEnvironment,
    generated: { ...prepared.generated, keepIn: place.generatedIn },
    seed: imageSeed(prepared),
    sourceDate: request.sourceDate ?? lockDate(prepared.lock?.sourceDate),
    owner: outputOwner(request),
  }
}

/** Seconds since 1970 of a lock's date. */
function lockDate(date: string | undefined): number | undefined {
  return date === undefined ? undefined : Math.floor(Date.parse(date) / 1000)
}

/**
 * The caller's environment as a build sees it. Without root it lacks the ids by which scripts give files back to sudo's
 * caller: in the build's user namespace they would be somebody else's.
 */
export function callerFor({ kind }: Privilege, environment: Environment): Environment {
  const { SUDO_UID, SUDO_GID, ...others } = environment
  return kind === 'rootless' ? others : environment
}

/** Who shall own what a build writes beside its image; undefined when it was not started through sudo. */
export function outputOwner(request: BuildRequest): BuildJob['owner'] {
  const [uid, gid] = [Number(request.callerEnv.SUDO_UID), Number(request.callerEnv.SUDO_GID)]
  return Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 ? { uid, gid } : undefined
}
