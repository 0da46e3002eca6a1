import { scryptSync } from 'node:crypto'
import { sha256 } from '../lib/hash.ts'
import { maskedValue } from './environment.ts'
import { everyFile, type HookFile } from './hooks.ts'
import type { FoundScript } from './plan-files.ts'
import type { ResolvedElement } from './resolve.ts'

/** What the ids are made from. */
export interface StepIdInput {
  readonly arch: string
  readonly elements: readonly ResolvedElement[]
  readonly hooks: readonly HookFile[]
  /** What crosses into the chroot, unmasked. */
  readonly environment: Readonly<Record<string, string>>
  readonly environmentFiles: readonly { readonly name: string; readonly file: HookFile }[]
  /** Of all phases, in the order in which they run. */
  readonly scripts: readonly FoundScript[]
  readonly inputs: Readonly<Record<string, string>>
  /** What else decides a step's result, by the script's destination: name → value or digest. */
  readonly stepInputs?: (destination: string) => Readonly<Record<string, string>>
}

/** What a step is made from: a name that a person understands → a value or a digest. */
export type Inputs = Readonly<Record<string, string>>

export interface StepIds {
  /** What all steps are made from. */
  readonly start: Inputs
  /** What one of the given scripts is made from, besides the start and the steps before it. */
  readonly inputsOf: (script: FoundScript) => Inputs
  /** The id of one of the given scripts. */
  readonly of: (script: FoundScript) => string
  /** The id of the last script, or of the start when there is none. */
  readonly last: string
}

/**
 * Variables that differ from run to run or from machine to machine and change nothing in the image. Names of elements
 * and their paths are here because their content is part of the ids instead; the names count for scripts that ask for them.
 */
const WITHOUT_EFFECT = new Set(
  `_ COLORTERM COLUMNS DBUS_SESSION_BUS_ADDRESS DIB_ARGS DIB_BLOCK_DEVICE_PARAMS_YAML DIB_DEBUG_TRACE DIB_ENV
   DIB_IMAGE_CACHE DIB_LOCKFILES DIB_MIN_TMPFS DIB_NO_TIMESTAMP DIB_NO_TMPFS DIB_OFFLINE DIB_PYTHON_EXEC DIB_QUIET
   DISPLAY EDITOR ELEMENTS_PATH GPG_AGENT_INFO GPG_TTY HISTFILE HISTSIZE HOSTNAME IMAGE_ELEMENT IMAGE_ELEMENT_YAML
   INVOCATION_ID JOURNAL_STREAM LESS LESSCHARSET LESSCLOSE LESSHISTFILE LESSKEY LESSOPEN LINES LS_COLORS MAIL OLDPWD
   OUT_IMAGE_PATH PAGER PWD SHELL SHLVL SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY SUDO_COMMAND SUDO_GID
   SUDO_UID SUDO_USER SYSTEMD_COLORS SYSTEMD_EDITOR SYSTEMD_EXEC_PID SYSTEMD_LESS SYSTEMD_PAGER TERM TMP_BUILD_DIR
   TMP_DIR TMP_HOOKS_PATH TMP_IMAGE_DIR TMP_MOUNT_PATH VISUAL WINDOWID XAUTHORITY _LIB break break_cmd
   break_outside_target COFFER_APT_PROXY COFFER_NODE COFFER_UMASK`.split(/\s+/),
)
const WITHOUT_EFFECT_PREFIXES = ['XDG_', 'npm_', 'VSCODE_']

/** Variables that name the output. They count for the steps that mention them: see {@link StepIdInput.stepInputs}. */
export const outputVariables = [
  'IMAGE_NAME',
  'DIB_ARGS',
  'DIB_CHECKSUM',
  'DIB_IMAGE_SIZE',
  'IMAGE_TYPE',
] as const

/**
 * Chains a content id through the steps of a build. Each id covers the id before it, the script's phase, name, mode and
 * bytes, and the data the script may read:
 *
 * - in root.d, the other files of its element and of the elements that one depends on (never a README);
 * - from extra-data.d on, the other files of all elements, because there the plumbing starts to gather packages, binaries
 *   and static files across elements.
 *
 * The chain starts from the architecture, the environment that crosses, the environment files and the caller's inputs.
 */
export function stepIds(input: StepIdInput): StepIds {
  const executed = new Set(input.scripts.map(({ file }) => file.destination))
  // Replaced files, too: package-installs.yaml and its like are read in each element's own directory.
  const data = everyFile(input.hooks).filter(
    ({ destination }) =>
      !executed.has(destination) && !destination.startsWith('environment.d/') && !isReadme(destination),
  )
  const gathered = digestsByElement(input.elements, data)
  const visibleTo = closures(input.elements)
  const start: Inputs = {
    architecture: input.arch,
    ...effectiveEnvironment(input.environment),
    ...Object.fromEntries(
      input.environmentFiles.map(({ name, file }) => [`environment file ${name}`, file.digest]),
    ),
    ...Object.fromEntries(Object.entries(input.inputs).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
  const inputs = new Map<FoundScript, Inputs>()
  const ids = new Map<FoundScript, string>()
  let last = fingerprint(['coffer plan 2', Object.entries(start)])
  for (const script of input.scripts) {
    const { phase, name, file, element } = script
    const visible = phase === 'root.d' ? visibleTo(element) : undefined
    const own: Inputs = {
      script: file.digest,
      mode: file.mode.toString(8),
      ...Object.fromEntries(
        [...gathered].filter(([label]) => visible === undefined || visible.has(label)).map(labelled),
      ),
      ...input.stepInputs?.(file.destination),
    }
    last = stepId(last, phase, name, own)
    inputs.set(script, own)
    ids.set(script, last)
  }
  return {
    start,
    inputsOf: (script) => inputs.get(script) ?? {},
    of: (script) => ids.get(script) ?? '',
    last,
  }
}

/** The id of a step, from that of the step before it, its place and what it is made from. */
export function stepId(previous: string, phase: string, name: string, inputs: Inputs): string {
  return fingerprint([previous, phase, name, Object.entries(inputs)])
}

function labelled([element, digest]: readonly [string, string]): [string, string] {
  return [`files of element ${element}`, digest]
}

/** Nobody's build depends on what an element says of itself. */
export function isReadme(destination: string): boolean {
  return /^README(\.[a-z]+)?$/.test(destination)
}

function identity({ destination, kind, mode, digest }: HookFile): unknown[] {
  return [destination, kind, mode, digest]
}

/** One digest for the data of each element that has any, in the order of the elements. */
function digestsByElement(
  elements: readonly ResolvedElement[],
  data: readonly HookFile[],
): Map<string, string> {
  const byElement = Map.groupBy(data, ({ element }) => element)
  return new Map(
    elements.flatMap(({ name }) => {
      const files = byElement.get(name)
      return files === undefined ? [] : [[name, fingerprint(files.map(identity))] as const]
    }),
  )
}

/** The names of an element and of all it depends on. */
function closures(elements: readonly ResolvedElement[]): (name: string) => ReadonlySet<string> {
  const byName = new Map(elements.map((element) => [element.name, element]))
  const providers = new Map(
    elements.flatMap(({ name, provides }) => provides.map((virtual) => [virtual, name])),
  )
  return (name) => {
    const closure = new Set<string>()
    const todo = [name]
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const element = byName.get(next) ?? byName.get(providers.get(next) ?? '')
      if (element === undefined || closure.has(element.name)) continue
      closure.add(element.name)
      todo.push(...element.dependencies)
    }
    return closure
  }
}

/** Whether a variable can change what scripts do, rather than say something of the person, the machine or the run. */
export function hasEffect(name: string): boolean {
  return !WITHOUT_EFFECT.has(name) && !WITHOUT_EFFECT_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** The variables that can change a result, as inputs; of secrets a digest. */
export function effectiveEnvironment(environment: Readonly<Record<string, string>>): Inputs {
  return Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => hasEffect(name) && !outputVariables.some((output) => output === name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        `environment ${name}`,
        maskedValue(name, value) === value ? value : slowDigest(value),
      ]),
  )
}

/** Ids are printed, so a secret goes into them through a function too slow for guessing it back. */
function slowDigest(secret: string): string {
  return scryptSync(secret, 'coffer step id', 32).toString('hex')
}

function fingerprint(parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts))
}
