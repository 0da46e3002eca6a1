import { CofferError } from '../../lib/errors.ts'
import { type Environment, run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import type { Log } from '../../lib/log.ts'
import { indexElements } from '../../phases/elements.ts'
import { type HookFile, planHooks } from '../../phases/hooks.ts'
import { type ResolvedElement, resolveElements, withDriverElements } from '../../phases/resolve.ts'
import { chooseConfig, flatten, parseConfig } from '../blockdevice/config.ts'
import { buildGraph } from '../blockdevice/graph.ts'
import { canWriteAsFile, layOut } from '../blockdevice/layout.ts'
import { checkDatastorePackages } from '../datastores/package-location.ts'
import type { Lock } from '../lock/lock.ts'
import { lockFor } from '../lock/lock-request.ts'
import { checkTools, formatOf } from '../output/index.ts'
import type { BuildRequest } from '../request/request.ts'
import { type GeneratedPlan, planGenerated } from './generated-plan.ts'
import { searchPathOf } from './job.ts'
import { loopReasonOfHooks } from './loop-reason.ts'
import { readScriptFacts, type ScriptFacts } from './script-facts.ts'

/** What is known before any work starts: everything that can be refused early has been. */
export interface PreparedBuild {
  readonly request: BuildRequest
  readonly searchPath: readonly string[]
  readonly elements: readonly ResolvedElement[]
  readonly hooks: readonly HookFile[]
  readonly blockDevice: { readonly yaml: string; readonly source: string }
  readonly loopReason: string | undefined
  readonly facts: ScriptFacts
  readonly generated: GeneratedPlan
  /** What the build is held to, with `--locked`. */
  readonly lock: Lock | undefined
}

/** Where our own elements live: content first, then the plumbing with DIB's names. */
export const builtInElements: readonly string[] = [
  new URL('../../elements', import.meta.url).pathname,
  new URL('../elements', import.meta.url).pathname,
]

/** Where elements are looked for: the caller's ELEMENTS_PATH, then our own directories (DIB contract §2). */
export function elementSearchPath(env: Environment): string[] {
  const caller = (env.ELEMENTS_PATH ?? '').split(':').filter((entry) => entry !== '')
  return [...caller, ...builtInElements]
}

/**
 * Decides a build without doing any of it: elements, hooks, disk layout, tools.
 *
 * @throws CofferError for an unknown element, a clash, a bad layout, a missing tool, …
 */
export async function prepareBuild(request: BuildRequest, log: Log): Promise<PreparedBuild> {
  const lock = await lockFor(request)
  const searchPath = elementSearchPath(request.callerEnv)
  const index = await indexElements(searchPath)
  for (const { name, path } of index.overrides) log.debug(`Element ${path} overrides the built-in ${name}`)
  const named = withDriverElements(request.named, request)
  log.info(`Building elements: ${named.join(' ')}`)
  const elements = resolveElements(index, named)
  log.info(`Expanded element dependencies to: ${elements.map(({ name }) => name).join(' ')}`)
  await checkTools(request.types, {
    imageName: request.imageName,
    ...(request.dockerTarget === undefined ? {} : { dockerTarget: request.dockerTarget }),
  })
  await checkDatastorePackages(elements, request.callerEnv, process.cwd())
  const hooks = await planHooks(elements)
  const blockDevice = await chooseConfig({ env: request.callerEnv, elements, arch: request.arch })
  const facts = await readScriptFacts(hooks, {
    ...request.callerEnv,
    IMAGE_NAME: request.imageName,
    DIB_ARGS: request.args.join(' '),
    DIB_CHECKSUM: request.checksum ?? '0',
    IMAGE_TYPE: request.types.join(','),
    // What scripts see there is made of all of these, and of the tree.
    DIB_IMAGE_SIZE: [request.size.imageSizeGiB, request.size.extraMiB, request.size.journalMiB].join(' '),
    IMAGE_ELEMENT: elements.map(({ name }) => name).join(' '),
  })
  return {
    request,
    searchPath,
    elements,
    hooks,
    blockDevice,
    loopReason: await loopReason(request, hooks, blockDevice.yaml),
    facts,
    generated: await planGenerated({ request, elements, hooks, facts, lock }),
    lock,
  }
}

/**
 * Why the disk is written through loop devices, or undefined. A trial layout finds mistakes in the YAML early, and file
 * systems that cannot be written without mounting, or cannot be made on this machine at all.
 */
async function loopReason(
  request: BuildRequest,
  hooks: readonly HookFile[],
  yaml: string,
): Promise<string | undefined> {
  const insisting = await loopReasonOfHooks(hooks)
  if (!request.types.some((type) => formatOf(type).from === 'raw')) return insisting
  const graph = buildGraph(flatten(parseConfig(yaml), layoutParameters(request)), layoutParameters(request))
  const trial = layOut(graph, TRIAL_BYTES)
  const verdict = canWriteAsFile(trial)
  if (verdict.ok) return insisting
  for (const { name, type } of trial.fileSystems) await requireMkfs(name, type, request)
  return insisting ?? verdict.reason
}

async function requireMkfs(fileSystem: string, type: string, request: BuildRequest): Promise<void> {
  const program = type === 'swap' ? 'mkswap' : `mkfs.${type}`
  if ((await findProgram(program, searchPathOf(request))) !== undefined) return
  throw new CofferError(
    'TOOL_MISSING',
    `The file system ${fileSystem} is ${type}, and ${program} is not installed`,
    {
      hint: `Install the package that brings ${program}, or choose another type with FS_TYPE or in the layout.`,
    },
  )
}

/** Large enough for any layout whose partitions have fixed sizes. */
const TRIAL_BYTES = 1024 ** 4

/** What the command line contributes to the layout (params.yaml, DIB contract §3.4). */
export function layoutParameters(request: BuildRequest) {
  return { rootFsType: request.fsType, rootLabel: request.rootLabel }
}

/** Debian's name of this machine's architecture (DIB contract §3.1, `-a`). */
export async function hostArchitecture(): Promise<string> {
  const dpkg = await run(['dpkg', '--print-architecture'], { check: false }).catch(() => undefined)
  if (dpkg?.exitCode === 0) return dpkg.stdout.trim()
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'armhf', arm64: 'arm64', ia32: 'i386' }
  return names[process.arch] ?? process.arch
}

/** Programs every build starts. */
const REQUIRED_PROGRAMS = {
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'util-linux',
  chroot: 'coreutils',
  'mkfs.ext4': 'e2fsprogs',
} as const

/** Refuses a machine without the programs of a build, before any work. @throws CofferError `TOOL_MISSING` */
export async function checkMachine(path: string): Promise<void> {
  for (const [program, debianPackage] of Object.entries(REQUIRED_PROGRAMS)) {
    if ((await findProgram(program, path)) === undefined) {
      throw new CofferError('TOOL_MISSING', `${program} is not installed`, {
        hint: `On Debian: apt-get install ${debianPackage}`,
      })
    }
  }
}
