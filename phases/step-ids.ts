import { scryptSync } from 'node:crypto'
import { sha256 } from '../lib/hash.ts'
import { isSensitive } from './environment.ts'
import type { HookFile } from './hooks.ts'
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
}

export interface StepIds {
  /** The id of one of the given scripts. */
  readonly of: (script: FoundScript) => string
  /** The id of the last script, or of the start when there is none. */
  readonly last: string
}

/**
 * Variables that differ from run to run or from machine to machine and change nothing in the image. Names of elements
 * and their paths are here because their content is part of the ids instead.
 */
const WITHOUT_EFFECT = new Set(
  `_ COLORTERM COLUMNS DBUS_SESSION_BUS_ADDRESS DIB_ARGS DIB_BLOCK_DEVICE_PARAMS_YAML DIB_DEBUG_TRACE DIB_ENV
   DIB_IMAGE_CACHE DIB_LOCKFILES DIB_MIN_TMPFS DIB_NO_TIMESTAMP DIB_NO_TMPFS DIB_PYTHON_EXEC DIB_QUIET DISPLAY EDITOR
   ELEMENTS_PATH HISTFILE HISTSIZE HOSTNAME IMAGE_ELEMENT IMAGE_ELEMENT_YAML INVOCATION_ID JOURNAL_STREAM LESS LINES
   LS_COLORS MAIL OLDPWD OUT_IMAGE_PATH PAGER PWD SHELL SHLVL SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY SUDO_COMMAND
   SUDO_GID SUDO_UID SUDO_USER TERM TMP_BUILD_DIR TMP_DIR TMP_HOOKS_PATH TMP_IMAGE_DIR TMP_MOUNT_PATH VISUAL
   WINDOWID XAUTHORITY _LIB break break_cmd break_outside_target COFFER_APT_PROXY COFFER_NODE COFFER_UMASK`.split(
    /\s+/,
  ),
)
const WITHOUT_EFFECT_PREFIXES = ['XDG_', 'LESS', 'npm_', 'VSCODE_', 'GPG_', 'SYSTEMD_']

/**
 * Chains a content id through the steps of a build. Each id covers the id before it, the script's phase, name, mode and
 * bytes, and the data the script may read:
 *
 * - in root.d, the other files of its element and of the elements that one depends on;
 * - from extra-data.d on, the other files of all elements, because there the plumbing starts to gather packages, binaries
 *   and static files across elements.
 *
 * The chain starts from the architecture, the environment that crosses, the environment files and the caller's inputs.
 */
export function stepIds(input: StepIdInput): StepIds {
  const executed = new Set(input.scripts.map(({ file }) => file.destination))
  const data = input.hooks.filter(
    ({ destination }) => !executed.has(destination) && !destination.startsWith('environment.d/'),
  )
  const gathered = fingerprint([input.elements.map(({ name }) => name), data.map(identity)])
  const ofElement = elementDigests(input.elements, data)
  const ids = new Map<FoundScript, string>()
  let last = fingerprint([
    'coffer plan 1',
    input.arch,
    effectiveEnvironment(input.environment),
    input.environmentFiles.map(({ name, file }) => [name, file.digest]),
    Object.entries(input.inputs).sort(([a], [b]) => (a < b ? -1 : 1)),
  ])
  for (const script of input.scripts) {
    const { phase, name, file, element } = script
    const others = phase === 'root.d' ? ofElement(element) : gathered
    last = fingerprint([last, phase, name, file.mode, file.digest, others])
    ids.set(script, last)
  }
  return { of: (script) => ids.get(script) ?? '', last }
}

function identity({ destination, kind, mode, digest }: HookFile): unknown[] {
  return [destination, kind, mode, digest]
}

/** Digests of an element's data together with that of all it depends on. */
function elementDigests(
  elements: readonly ResolvedElement[],
  data: readonly HookFile[],
): (name: string) => string {
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
    return fingerprint(data.filter(({ element }) => closure.has(element)).map(identity))
  }
}

/** Whether a variable of this name says something of the person, the machine or the run only. */
export function withoutEffect(name: string): boolean {
  return WITHOUT_EFFECT.has(name) || WITHOUT_EFFECT_PREFIXES.some((prefix) => name.startsWith(prefix))
}

function effectiveEnvironment(environment: Readonly<Record<string, string>>): string[][] {
  return Object.entries(environment)
    .filter(([name]) => !withoutEffect(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, isSensitive(name) ? slowDigest(value) : value])
}

/** Ids are printed, so a secret goes into them through a function too slow for guessing it back. */
function slowDigest(secret: string): string {
  return scryptSync(secret, 'coffer step id', 32).toString('hex')
}

function fingerprint(parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts))
}
