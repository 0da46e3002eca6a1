import { closest } from '../lib/closest.ts'
import type { Environment } from '../lib/exec.ts'
import { insideEnvironment, maskedValue } from './environment.ts'
import { hookTree } from './hook-tree.ts'
import type { HookFile } from './hooks.ts'
import { installTypeLinks } from './install-types.ts'
import { type PhaseName, phases, type Side } from './phases.ts'
import { environmentFilesOf, type SkippedFile, scriptsOf, withLinks } from './plan-files.ts'
import type { ResolvedElement } from './resolve.ts'
import { type Inputs, stepIds } from './step-ids.ts'

export type { SkippedFile } from './plan-files.ts'
export { planJson, renderPlan } from './render-plan.ts'

/** What a plan is made from. */
export interface PlanInput {
  /** As `resolveElements` gives them. */
  readonly elements: readonly ResolvedElement[]
  /** As `planHooks` gives them. */
  readonly hooks: readonly HookFile[]
  /** What scripts outside will have, the install type in `DIB_DEFAULT_INSTALLTYPE` included. */
  readonly environment: Environment
  readonly arch: string
  /** The elements as the user typed them, so that the plan can tell what the driver added. Default: all named ones. */
  readonly requested?: readonly string[]
  /** Whatever else decides the result, such as packages of `-p`: name → value or digest. Becomes part of every id. */
  readonly inputs?: Readonly<Record<string, string>>
  /** The same for single scripts, by destination: files and programs that a script reads, variables that it mentions. */
  readonly stepInputs?: (destination: string) => Readonly<Record<string, string>>
}

/** One script of a phase. */
export interface PlanStep {
  readonly phase: PhaseName
  readonly name: string
  readonly element: string
  /** Absolute path of the file that runs, in its element. */
  readonly source: string
  /** The same file in the hooks directory. */
  readonly destination: string
  readonly mode: number
  /** Identity of this step and all before it: equal ids mean equal scripts, data and environment so far. */
  readonly id: string
  /** What the step itself is made from. */
  readonly inputs: Inputs
  /** The install type that links it into install.d when the build runs, if one does. */
  readonly installType?: string
}

export interface PlanPhase {
  readonly name: PhaseName
  readonly side: Side
  readonly steps: readonly PlanStep[]
}

export interface PlanElement {
  readonly name: string
  readonly path: string
  readonly why: 'named' | 'default' | { readonly dependencyOf: string }
}

/** All of a build that can be known before it starts. Plain data, safe to print: secret values are masked. */
export interface Plan {
  /** Identity of the last step: of the whole plan. */
  readonly id: string
  /** What all steps are made from. Secret values are digests. */
  readonly start: Inputs
  readonly arch: string
  readonly elements: readonly PlanElement[]
  /** Sourced before every phase, in this order. */
  readonly environmentFiles: readonly Pick<PlanStep, 'name' | 'element' | 'source'>[]
  /** Every phase in order, also those without steps. */
  readonly phases: readonly PlanPhase[]
  readonly skipped: readonly SkippedFile[]
  /** Files of one element that replace another's, where that matters. */
  readonly replaced: readonly {
    readonly destination: string
    readonly element: string
    readonly over: string
  }[]
  /** What crosses into the chroot, by name; values of secrets are masked. */
  readonly environment: Readonly<Record<string, string>>
  /** Sentences about what is probably a mistake in an element. */
  readonly warnings: readonly string[]
}

/** Files that are read in each element's own directory, so that it means nothing whose copy ends up in the hooks. */
const readPerElement = new Set(
  `README.md README.rst __init__.py element-deps element-provides package-installs.json package-installs.yaml pkg-map
   svc-map unreproducible`.split(/\s+/),
)

/**
 * Decides what a build will do. Pure: reads nothing but its input.
 *
 * @throws CofferError `RUN_PARTS_REGEX_INVALID` when the environment has a bad RUN_PARTS_REGEX
 */
export function makePlan(input: PlanInput): Plan {
  const links = input.elements.some((element) => element.name === 'install-types')
    ? installTypeLinks(input.hooks, input.environment)
    : []
  const tree = withLinks(hookTree(input.hooks), links)
  const found = phases.map((phase) => scriptsOf(tree, phase.name, links, input.environment.RUN_PARTS_REGEX))
  const environmentFiles = environmentFilesOf(tree)
  const skipped = [...found.flatMap((scripts) => scripts.skipped), ...environmentFiles.skipped]
  const crossing = insideEnvironment(input.environment)
  const ids = stepIds({
    arch: input.arch,
    elements: input.elements,
    hooks: input.hooks,
    environment: crossing,
    environmentFiles: environmentFiles.files,
    scripts: found.flatMap((scripts) => scripts.run),
    inputs: input.inputs ?? {},
    ...(input.stepInputs === undefined ? {} : { stepInputs: input.stepInputs }),
  })
  return {
    id: ids.last,
    start: ids.start,
    arch: input.arch,
    elements: input.elements.map(({ name, path, why }) => ({
      name,
      path,
      why: why === 'named' && input.requested?.includes(name) === false ? 'default' : why,
    })),
    environmentFiles: environmentFiles.files.map(({ name, file }) => ({
      name,
      element: file.element,
      source: file.source,
    })),
    phases: phases.map((phase, index) => ({
      name: phase.name,
      side: phase.side,
      steps: (found[index]?.run ?? []).map((script) => ({
        phase: phase.name,
        name: script.name,
        element: script.element,
        source: script.file.source,
        destination: script.file.destination,
        mode: script.file.mode,
        id: ids.of(script),
        inputs: ids.inputsOf(script),
        ...(script.installType === undefined ? {} : { installType: script.installType }),
      })),
    })),
    skipped,
    replaced: input.hooks.flatMap(({ destination, element, replaces }) =>
      replaces === undefined || readPerElement.has(destination)
        ? []
        : [{ destination, element, over: replaces.element }],
    ),
    environment: Object.fromEntries(
      Object.entries(crossing)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, maskedValue(name, value)]),
    ),
    warnings: [
      ...skipped
        .filter((file) => file.warning)
        .map((file) => `${file.destination} of element ${file.element} will not run: ${file.reason}`),
      ...misspeltPhases(input.hooks),
    ],
  }
}

/** Directories that were probably meant to be a phase: `finalize.d`, `postinstall.d`. */
function misspeltPhases(hooks: readonly HookFile[]): string[] {
  const names: readonly string[] = [...phases.map((phase) => phase.name), 'environment.d']
  return hooks
    .filter(({ kind, destination }) => kind === 'directory' && /^[^/]+\.d$/.test(destination))
    .filter(({ destination }) => !names.includes(destination))
    .flatMap(({ destination, element }) => {
      const near = closest(destination, names, 2)[0]
      return near === undefined
        ? []
        : [
            `${destination} of element ${element} is not a phase, so nothing in it runs. Did you mean ${near}?`,
          ]
    })
}
