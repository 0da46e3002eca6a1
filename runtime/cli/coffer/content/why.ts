import type { NodeType } from '../../../../registry/images/content/node.ts'
import type { Below } from '../../../../registry/images/origin/below.ts'
import {
  type Integrity,
  type Origin,
  type OriginPackage,
  originOf,
} from '../../../../registry/images/origin/origin.ts'
import type { OriginStep } from '../../../../registry/images/origin/steps.ts'
import { type ContentOptions, recordOf, withImage } from './open-word.ts'
import { note, printJson, printLines, shown } from './print.ts'

/** `coffer image why` */
export function why(
  word: string,
  path: string,
  options: ContentOptions & { readonly json: boolean },
): Promise<number> {
  return withImage(word, options, async (named) => {
    const { note: warning, ...recorded } = await recordOf(named, { files: true })
    if (warning !== undefined) note(warning)
    const origin = originOf(named.image.root(), path, recorded)
    if (options.json) await printJson(origin)
    else await printLines(report(origin, recorded.record !== undefined))
    return 0
  })
}

/** A package shares a directory with so many others that a list says nothing. */
const MAX_PACKAGES = 5
const MAX_STEPS = 10

const NO_RECORD = 'there is no record of the build beside the image'
const NO_FILES = 'the build did not record which step wrote which file'

const INTEGRITY: Readonly<Record<Integrity, string>> = {
  'as installed': 'as the package brought it',
  changed: 'CHANGED after the package was installed: the checksum is another',
  'configuration changed': 'a configuration file, changed after the package was installed',
  unknown: 'the package has no checksum of it',
}

function* report(origin: Origin, hasRecord: boolean): Generator<string> {
  const { path, type, target, leadsTo, packages, integrity, steps, below, notes } = origin
  const leads = leadsTo === undefined ? 'which does not exist' : leadsTo
  yield target === undefined
    ? `${shown(path)}: ${type}`
    : `${shown(path)}: symbolic link to ${shown(target)} (${shown(leads)})`
  if (packages.length === 0) yield line('package', 'none')
  for (const one of packages.slice(0, MAX_PACKAGES)) yield* packageLines(one)
  if (packages.length > MAX_PACKAGES) yield line('', `and ${packages.length - MAX_PACKAGES} more`)
  if (integrity !== undefined) yield line('content', INTEGRITY[integrity])
  yield* stepLines(steps, type, hasRecord)
  if (below !== undefined) yield* belowLines(below)
  for (const text of notes) yield line('note', shown(text))
}

function* stepLines(
  steps: readonly OriginStep[] | undefined,
  type: NodeType,
  hasRecord: boolean,
): Generator<string> {
  if (steps === undefined) {
    yield line('written by', `unknown: ${hasRecord ? NO_FILES : NO_RECORD}`)
  } else if (steps.length === 0 && type !== 'directory') {
    yield line('written by', 'no step that was recorded')
  }
  for (const [index, step] of (steps ?? []).entries()) {
    yield line(index === 0 ? 'written by' : 'then by', stepText(step))
  }
}

function* packageLines({ name, version, architecture, source, url }: OriginPackage): Generator<string> {
  const origin = source === undefined ? '' : ` (source ${source})`
  yield line('package', shown(`${name} ${version} ${architecture}${origin}`))
  if (url !== undefined) yield line('from', shown(url))
}

function* belowLines({ files, packages, withoutPackage, steps }: Below): Generator<string> {
  yield line('in it', `${files} files, ${withoutPackage} of them of no package`)
  for (const one of packages.slice(0, MAX_STEPS)) yield line('', `${one.files} of package ${shown(one.name)}`)
  if (packages.length > MAX_STEPS) yield line('', `and of ${packages.length - MAX_STEPS} packages more`)
  for (const one of steps.slice(0, MAX_STEPS)) yield line('', `${one.files} written by ${stepText(one.step)}`)
}

const stepText = ({ phase, script, element }: OriginStep): string =>
  shown(`${phase}/${script} of element ${element}`)

const line = (label: string, text: string): string => `  ${label.padEnd(11)} ${text}`
