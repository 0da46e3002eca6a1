import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Environment } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import type { HookFile } from '../../phases/hooks.ts'
import { phaseSide } from '../../phases/phases.ts'
import { hasEffect, type Inputs, isReadme, outputVariables } from '../../phases/step-ids.ts'
import { type CacheDirectives, cacheDirectives, mayWriteOnHost } from '../cache/directives.ts'
import { builderDigest, namedInput } from '../cache/named-inputs.ts'
import { aliasesOf, mentionedIn } from './mentioned-variables.ts'

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

/** Variables that count for the scripts that mention them: those that name outputs, and the list of elements. */
const MENTIONED = [...outputVariables, 'IMAGE_ELEMENT'] as const

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
  const text = ({ destination }: HookFile) => texts.get(destination) ?? ''
  const values = mentionedValues(environment)
  const aliases = aliasesOf(files.filter(isEnvironmentFile).map(text), {
    ...Object.fromEntries(MENTIONED.map((name) => [name, [name]])),
    IMAGE_ELEMENT_YAML: ['IMAGE_ELEMENT'],
    get_image_element_array: ['IMAGE_ELEMENT'],
  })
  const mentions = new Map(files.map((file) => [file.destination, mentionedIn(text(file), aliases)]))
  const programs = files.filter(isProgram)
  const everywhere = programs.flatMap(({ destination }) => mentions.get(destination) ?? [])
  const marking = programs.filter((file) => CHATTR.test(text(file))).map((file) => basename(file.destination))
  const inputs: Record<string, Inputs> = {}
  const never: string[] = []
  const attributes: string[] = []
  const outputs: Record<string, string> = {}
  for (const script of files.filter(mayRun)) {
    const { destination } = script
    const directives = cacheDirectives(text(script))
    const own = [script, ...files.filter((file) => file.element === script.element && isData(file))]
    const counted = new Set([...own.flatMap((file) => mentions.get(file.destination) ?? []), ...everywhere])
    const variables = [...counted].sort().map((name) => [`environment ${name}`, values[name] ?? ''])
    const read = await named(directives)
    inputs[destination] = { ...Object.fromEntries(variables), ...read.inputs }
    const outside = sideOf(script) !== 'inside'
    if (directives.never || read.unknown || (outside && mayWriteOnHost(text(script), directives)))
      never.push(destination)
    const words = new Set(text(script).split(/[^\w.-]+/))
    if (own.some((file) => CHATTR.test(text(file))) || marking.some((name) => words.has(name)))
      attributes.push(destination)
    if (directives.output !== undefined) outputs[destination] = directives.output
  }
  return {
    start: { builder: await builderDigest(), ...(await filesNamedIn(environment)) },
    inputs,
    never,
    attributes,
    outputs,
  }
}

const CHATTR = /\bchattr\b/

/** Whether a file may be a step: one of a phase, of an install type, or a program that a link in a phase leads to. */
function mayRun(file: HookFile): boolean {
  return sideOf(file) !== undefined || (file.mode & 0o111) !== 0
}

/** On which side the scripts of a file's directory run; undefined when it is no phase's. */
function sideOf({ destination }: HookFile) {
  return phaseSide(destination.split('/')[0] ?? '')
}

/** Whether scripts of its element may read a file, or run it. */
function isData(file: HookFile): boolean {
  return sideOf(file) === undefined && !isEnvironmentFile(file) && !isReadme(file.destination)
}

function isEnvironmentFile({ destination }: HookFile): boolean {
  return destination.startsWith('environment.d/')
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

/** Words of a command line that change how it is carried out, not what comes out. */
const HOW = new Set(['--cache', '--no-cache', '--resume', '--explain', '--record'])

/** The values that count. Of the output's path only the last part: a build elsewhere under the same name is the same build. */
function mentionedValues(environment: Environment): Record<string, string> {
  const values = Object.fromEntries(MENTIONED.map((name) => [name, environment[name] ?? '']))
  const args = values.DIB_ARGS?.split(' ').filter((word) => !HOW.has(word))
  return { ...values, IMAGE_NAME: basename(values.IMAGE_NAME ?? ''), DIB_ARGS: args?.join(' ') ?? '' }
}

/** Things of the builder's that a script reads. One that is not known here may change without anybody noticing. */
async function named(directives: CacheDirectives): Promise<{ inputs: Inputs; unknown: boolean }> {
  const found = await Promise.all(
    directives.inputs.map(async (name) => [name, await namedInput(name)] as const),
  )
  return {
    inputs: Object.fromEntries(
      found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    unknown: found.some(([, value]) => value === undefined),
  }
}

/** Variables that name files of the builder's machine, whose content is looked at elsewhere or changes nothing. */
const NOT_READ = /^(BASH_ENV|IMAGE_NAME|IMAGE_TYPE|DIB_CHECKSUM|DIB_IMAGE_SIZE)$/

/** A file that a variable names counts by its content: a package, a key ring, a list of sources. */
async function filesNamedIn(environment: Environment): Promise<Inputs> {
  const found: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === '' || value.includes('\0') || NOT_READ.test(name) || !hasEffect(name)) continue
    const file = await stat(value).catch(() => undefined)
    if (file?.isFile() === true) found[`file ${name}`] = await digestFile(value)
  }
  return found
}
