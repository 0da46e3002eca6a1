import { closest } from '../lib/closest.ts'
import { CofferError } from '../lib/errors.ts'
import type { Element, ElementIndex } from './elements.ts'

export { elementInfoEnvironment } from './element-info.ts'

/** An element of a build, and why it is there. */
export type ResolvedElement = Element & {
  /** `named`: in the list given (the user's words and the driver's additions); otherwise the first element that needs it. */
  readonly why: 'named' | { readonly dependencyOf: string }
}

/** What the breadth-first expansion found out. */
interface Expansion {
  /** Names reached, in the order in which they were. */
  readonly reached: ReadonlySet<string>
  readonly processed: readonly Element[]
  /** Provided name → the element that provides it. */
  readonly providers: ReadonlyMap<string, string>
  /** Name → the first element whose dependency it is. */
  readonly neededBy: ReadonlyMap<string, string>
}

/**
 * Expands named elements to all a build needs (DIB contract §2). The set is exactly DIB's, its effects of order
 * included: a name that is only provided must be provided before the queue reaches it.
 *
 * The order is ours, since DIB has none: what an element depends on comes before it, and otherwise the order of the names
 * given and of the lines of `element-deps`. So where files of two elements meet, the dependent's wins.
 *
 * @throws CofferError `ELEMENT_NOT_FOUND`, `ELEMENT_ALREADY_PROVIDED`, `ELEMENT_NO_OPERATING_SYSTEM`
 */
export function resolveElements(index: ElementIndex, named: readonly string[]): ResolvedElement[] {
  const expansion = expand(index, named)
  const conflicts = [...new Set(named)].filter((name) => expansion.providers.has(name))
  if (conflicts.length > 0) throw namedAndProvided(conflicts, expansion)
  if (!expansion.providers.has('operating-system')) throw noOperatingSystem(index)
  return dependenciesFirst(expansion, named).map((element) => ({
    ...element,
    why: named.includes(element.name)
      ? 'named'
      : { dependencyOf: expansion.neededBy.get(element.name) ?? '' },
  }))
}

function expand(index: ElementIndex, named: readonly string[]): Expansion {
  const reached = new Set(named)
  const queue = [...named]
  const processed: Element[] = []
  const providers = new Map<string, string>()
  const neededBy = new Map<string, string>()
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (providers.has(name)) continue
    const element = index.elements.get(name)
    if (element === undefined) throw notFound(index, name, neededBy.get(name))
    for (const provided of element.provides) {
      const other = providers.get(provided)
      if (other !== undefined) throw alreadyProvided(provided, other, name)
    }
    for (const provided of element.provides) providers.set(provided, name)
    processed.push(element)
    for (const dependency of element.dependencies) {
      if (!neededBy.has(dependency)) neededBy.set(dependency, name)
      if (!reached.has(dependency) && !providers.has(dependency)) queue.push(dependency)
      reached.add(dependency)
    }
  }
  return { reached, processed, providers, neededBy }
}

/** The elements of the result, each after those it depends on (cycles aside). */
function dependenciesFirst(expansion: Expansion, named: readonly string[]): Element[] {
  const { processed, providers, reached } = expansion
  const byName = new Map(processed.map((element) => [element.name, element]))
  const ordered: Element[] = []
  const seen = new Set<string>()
  const visit = (name: string) => {
    const element = byName.get(providers.get(name) ?? name)
    if (element === undefined || seen.has(element.name)) return
    seen.add(element.name)
    for (const dependency of element.dependencies) visit(dependency)
    ordered.push(element)
  }
  for (const name of named) visit(name)
  // An element that another provides by name is left out, but what it had already pulled in stays.
  for (const element of processed) for (const dependency of element.dependencies) visit(dependency)
  return ordered.filter((element) => reached.has(element.name) && !providers.has(element.name))
}

/** What {@link withDriverElements} needs to know of the command line. */
export interface DriverOptions {
  /** True for `-n`. */
  readonly skipBase: boolean
  readonly arch: string
  /** The ramdisk's main element, in ramdisk mode only. */
  readonly ramdiskElement?: string | undefined
}

/**
 * The elements the driver adds to the user's words before expansion (DIB contract §2): a partition layout for `vm`
 * when no word names one, `base` unless skipped, and the ramdisk element.
 */
export function withDriverElements(named: readonly string[], options: DriverOptions): string[] {
  const needsLayout = named.includes('vm') && !named.some((name) => name.startsWith('block-device-'))
  const layout = ['arm64', 'aarch64'].includes(options.arch) ? 'block-device-efi' : 'block-device-mbr'
  return [
    ...(options.ramdiskElement === undefined ? [] : [options.ramdiskElement]),
    ...(options.skipBase ? [] : ['base']),
    ...named,
    ...(needsLayout ? [layout] : []),
  ]
}

function notFound(index: ElementIndex, name: string, dependent: string | undefined): CofferError {
  const message = `Element '${name}' not found${dependent === undefined ? '' : `, which '${dependent}' depends on`}`
  const providers = providersOf(index, name)
  const near = closest(name, index.elements.keys())
  const hints: string[] = []
  if (name.startsWith('#')) {
    hints.push(`element-deps has no comments: delete that line from the file of '${dependent}'.`)
  } else if (providers.length > 0) {
    hints.push(
      `${providers.join(', ')} provides that name: put it, or what depends on it, earlier in the list.`,
    )
  } else {
    if (near.length > 0) hints.push(`Did you mean ${near.join(' or ')}?`)
    hints.push(`Elements are looked for in ${index.searchPath.join(', ')}; ELEMENTS_PATH adds directories.`)
  }
  return new CofferError('ELEMENT_NOT_FOUND', message, { hint: hints.join(' ') })
}

function alreadyProvided(provided: string, provider: string, element: string): CofferError {
  return new CofferError('ELEMENT_ALREADY_PROVIDED', `${provided}: already provided by ['${provider}']`, {
    hint:
      provider === element
        ? `'${element}' is in the list twice: name it once.`
        : `'${element}' provides it too: a build can have only one of them.`,
  })
}

function namedAndProvided(conflicts: readonly string[], { providers }: Expansion): CofferError {
  const lines = conflicts.map((name) => `${name} : already provided by ['${providers.get(name)}']`)
  return new CofferError(
    'ELEMENT_ALREADY_PROVIDED',
    ['The following elements are already provided by another element', ...lines].join('\n'),
    { hint: `Leave ${conflicts.join(', ')} out of the list, or the elements that provide it.` },
  )
}

function noOperatingSystem(index: ElementIndex): CofferError {
  const offers = providersOf(index, 'operating-system')
  return new CofferError('ELEMENT_NO_OPERATING_SYSTEM', 'Please include an operating system element', {
    hint:
      offers.length > 0
        ? `For example one of ${offers.join(', ')}.`
        : 'No element in ELEMENTS_PATH provides operating-system.',
  })
}

function providersOf(index: ElementIndex, name: string): string[] {
  return [...index.elements.values()]
    .filter((element) => element.provides.includes(name))
    .map((element) => element.name)
    .sort()
}
