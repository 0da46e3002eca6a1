import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Environment } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import type { HookFile } from '../../phases/hooks.ts'
import { phaseSide } from '../../phases/phases.ts'
import { type Inputs, outputVariables } from '../../phases/step-ids.ts'
import { type CacheDirectives, cacheDirectives, mayWriteOnHost } from '../cache/directives.ts'
import { builderDigest, namedInput } from '../cache/named-inputs.ts'

/** What reading the elements' files tells about caching. Plain data. */
export interface ScriptFacts {
  /** Inputs of all steps, beside those that a plan knows. */
  readonly start: Inputs
  /** Inputs of single scripts, by destination. */
  readonly inputs: Readonly<Record<string, Inputs>>
  /** Scripts whose result must not be taken from the cache. */
  readonly never: readonly string[]
  /** Scripts that may mark files with chattr. */
  readonly attributes: readonly string[]
  /** Variables of output directories, by destination. */
  readonly outputs: Readonly<Record<string, string>>
}

/** A file with more than this is data, not a script that mentions variables. */
const TEXT_BYTES = 512 * 1024

/**
 * Reads what the elements' scripts say and mention.
 *
 * @param hooks of the build
 * @param environment what scripts outside will have
 */
export async function readScriptFacts(
  hooks: readonly HookFile[],
  environment: Environment,
): Promise<ScriptFacts> {
  const files = hooks.filter(({ kind }) => kind !== 'directory')
  const texts = new Map(
    await Promise.all(files.map(async (file) => [file.destination, await textOf(file)] as const)),
  )
  const values = outputValues(environment)
  const aliases = aliasesOf(files, texts, Object.keys(values))
  const everywhere = new Set(
    files.filter(isProgram).flatMap((file) => mentions(texts.get(file.destination) ?? '', aliases)),
  )
  const inputs: Record<string, Inputs> = {}
  const never: string[] = []
  const attributes: string[] = []
  const outputs: Record<string, string> = {}
  for (const file of files.filter(({ destination }) => isScript(destination))) {
    const text = texts.get(file.destination) ?? ''
    const directives = cacheDirectives(text)
    const own = files
      .filter(({ element, destination }) => element === file.element && !isScript(destination))
      .flatMap(({ destination }) => mentions(texts.get(destination) ?? '', aliases))
    const counted = new Set([...mentions(text, aliases), ...own, ...everywhere])
    const variables = [...counted].sort().map((name) => [`environment ${name}`, values[name] ?? ''])
    inputs[file.destination] = { ...Object.fromEntries(variables), ...(await named(directives)) }
    const outside = phaseSide(file.destination.split('/')[0] ?? '') === 'outside'
    if (directives.never || (outside && mayWriteOnHost(text, directives))) never.push(file.destination)
    if (/\bchattr\b/.test(text)) attributes.push(file.destination)
    if (directives.output !== undefined) outputs[file.destination] = directives.output
  }
  return {
    start: { builder: await builderDigest(), ...(await filesNamedIn(environment)) },
    inputs,
    never,
    attributes,
    outputs,
  }
}

function isScript(destination: string): boolean {
  return phaseSide(destination.split('/')[0] ?? '') !== undefined && destination.split('/').length === 2
}

/** Programs that any script may call. */
function isProgram({ destination }: HookFile): boolean {
  return destination.startsWith('bin/')
}

async function textOf(file: HookFile): Promise<string> {
  const found = await stat(file.source).catch(() => undefined)
  if (found?.isFile() !== true || found.size > TEXT_BYTES) return ''
  return await readFile(file.source, 'utf8')
}

/** The variables that name outputs. Of a path only its last part: a build elsewhere under the same name is the same build. */
function outputValues(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    outputVariables.map((name) => [
      name,
      name === 'IMAGE_NAME' ? basename(environment[name] ?? '') : (environment[name] ?? ''),
    ]),
  )
}

/** Output variables, and variables that environment files make of them: name → the output variable it stands for. */
function aliasesOf(
  files: readonly HookFile[],
  texts: ReadonlyMap<string, string>,
  names: readonly string[],
): ReadonlyMap<string, string> {
  const aliases = new Map(names.map((name) => [name, name]))
  for (const { destination } of files.filter((file) => file.destination.startsWith('environment.d/'))) {
    for (const line of (texts.get(destination) ?? '').split('\n')) {
      const assigned = /^\s*(?:export\s+|declare -x )?([A-Za-z_]\w*)=(.*)$/.exec(line)
      if (assigned === null) continue
      for (const original of mentions(assigned[2] ?? '', aliases)) aliases.set(assigned[1] ?? '', original)
    }
  }
  return aliases
}

/** The output variables that a text mentions, by their own name or an alias. */
function mentions(text: string, aliases: ReadonlyMap<string, string>): string[] {
  return [...aliases]
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(text))
    .map(([, original]) => original)
}

async function named(directives: CacheDirectives): Promise<Inputs> {
  const found = await Promise.all(
    directives.inputs.map(async (name) => [name, await namedInput(name)] as const),
  )
  return Object.fromEntries(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** Variables that name files of the builder's machine, whose content is looked at elsewhere or changes nothing. */
const NOT_READ =
  /^(COFFER_NODE|DIB_PYTHON_EXEC|SHELL|EDITOR|VISUAL|PAGER|SSH_AUTH_SOCK|_|BASH_ENV|OUT_IMAGE_PATH)$/

/** A file that a variable names counts by its content: a package, a key ring, a list of sources. */
async function filesNamedIn(environment: Environment): Promise<Inputs> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined || !/^(\/|\.{0,2}\/?[\w.-]+\/)/.test(value) || NOT_READ.test(name)) continue
    const file = await stat(value).catch(() => undefined)
    if (file?.isFile() === true) found[`file ${name}`] = await digestFile(value)
  }
  return found
}
