import type { CleanupStack } from '../../lib/cleanup.ts'
import type { Log } from '../../lib/log.ts'
import type { HookFile } from '../../phases/hooks.ts'
import type { ResolvedElement } from '../../phases/resolve.ts'
import type { Unreproducible } from '../../registry/images/record.ts'
import type { CacheStep, Layer } from '../cache/types.ts'
import type { ClusterReuse } from '../output/qcow2-write.ts'
import type { BuildRequest } from '../request/request.ts'
import type { Emit } from './events.ts'
import type { GeneratedPlan } from './generated-plan.ts'

/** The directories of one build (DIB contract §1.1): names that elements know as TMP_*. */
export interface BuildDirectories {
  /** TMP_BUILD_DIR */
  readonly build: string
  /** TMP_IMAGE_DIR */
  readonly image: string
  /** TMP_HOOKS_PATH */
  readonly hooks: string
  /** TMP_MOUNT_PATH: where the tree is while scripts run. */
  readonly mount: string
  /** Where the tree is during block-device.d. */
  readonly built: string
}

export function directoriesOf(build: string, image: string): BuildDirectories {
  return { build, image, hooks: `${build}/hooks`, mount: `${build}/mnt`, built: `${build}/built` }
}

/** Everything the outer process decided; the worker reads it as JSON. */
export interface BuildJob {
  readonly request: BuildRequest
  readonly elements: readonly ResolvedElement[]
  readonly searchPath: readonly string[]
  readonly hooks: readonly HookFile[]
  readonly blockDeviceYaml: string
  /** Why the disk is written through loop devices, or undefined for file mode. */
  readonly loopReason: string | undefined
  readonly directories: BuildDirectories
  /** Put a tmpfs on both directories. */
  readonly tmpfs: boolean
  readonly libDir: string
  readonly path: string
  readonly aptProxy: string | undefined
  /** Variables by which scripts outside record what they take from elsewhere, and are held to a lock. */
  readonly inputEnvironment: Readonly<Record<string, string>>
  readonly version: string
  /** All that happens to the tree, in order. */
  readonly steps: readonly CacheStep[]
  /** Results of the first steps, from the cache. */
  readonly hits: readonly Layer[]
  /** Identity of the tree before the first step. */
  readonly startKey: string
  /** The package lists in the tree of the hits are older than the archives: apt must fetch them before it is asked again. */
  readonly oldLists: boolean
  /** Where results are kept; undefined keeps none. */
  readonly cache: JobCache | undefined
  /** True in a user namespace, whose root may mount and make less than root of the machine. */
  readonly rootless: boolean
  /** What to do with content that no build makes twice. */
  readonly generated: GeneratedPlan & {
    /** Where content is handed out for the lock that is made. */
    readonly keepIn: string | undefined
  }
  /** What the identities of disk, partitions and file systems are made from. */
  readonly seed: string
  /** Seconds since 1970: nothing in the image is dated later. Undefined: times stay as they are. */
  readonly sourceDate: number | undefined
  /** Owner of the outputs when started through sudo. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

/** The step cache of a build. */
export interface JobCache {
  readonly directory: string
  /** This build's own directory in it, deleted when the build ends. */
  readonly drafts: string
  /** Grows by a line for each file that the package proxy serves. */
  readonly served: string
  /** The last qcow2 image of this name, and where an index of this one's clusters is left. */
  readonly clusters: ClusterReuse
}

/** A running build: the job, the environment scripts see, and where to report. */
export interface Build {
  readonly job: BuildJob
  /** Exported to every script; grows as the build goes on. */
  readonly env: Record<string, string>
  readonly log: Log
  /** A line of output of a script, or of the driver itself. */
  readonly print: (line: string) => void
  readonly emit: Emit
  /** Seconds since 1970: nothing in the image is dated later. Known for certain when all scripts have run. */
  sourceDate: number | undefined
  /** What may differ in the next build of the same inputs; grows as the build goes on. */
  readonly unreproducible: Unreproducible[]
  /** The umask of who started the build: for what lands beside the image, not for what is in it. */
  readonly callerUmask: number
  readonly cleanup: CleanupStack
}

/** Where the hooks are before any script has changed them. */
export function baseHooks({ job }: Pick<Build, 'job'>): string {
  return `${layersPlace(job).drafts}/base`
}

/** Where the layers of a build are: in the cache, or beside the tree when nothing is kept. */
export function layersPlace({ cache, directories }: BuildJob): {
  readonly cache: string
  readonly drafts: string
} {
  if (cache !== undefined) return { cache: cache.directory, drafts: cache.drafts }
  const own = `${directories.build}/.layers`
  return { cache: own, drafts: `${own}/builds/build` }
}
