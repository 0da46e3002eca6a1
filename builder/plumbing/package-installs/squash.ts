import { CofferError } from '../../../lib/errors.ts'
import type { Environment } from '../../../lib/exec.ts'
import { isWanted, type PackageConditions } from './conditions.ts'

export type Action = 'install' | 'uninstall'
/** A package and the element that asked for it. */
export type PackageOfElement = readonly [pkg: string, element: string]
/** What is to be done in one phase, in the order it was asked for. Duplicates stay. */
export type PhasePackages = Partial<Record<Action, PackageOfElement[]>>
/** All phases that have packages, by name, in the order they came up. */
export type Squashed = Map<string, PhasePackages>

/**
 * Adds the packages of one file to the result (DIB contract §3.6, with the rules of newer DIB for a package that is both
 * installed and uninstalled: an install in the phase wins).
 *
 * @param content the file's parsed content; nothing at all is an empty file.
 * @throws CofferError `PACKAGE_INSTALLS_INVALID`, `PACKAGE_INSTALLS_VARIABLE_UNSET`
 */
export function addPackages(result: Squashed, content: unknown, element: string, env: Environment): void {
  for (const [pkg, value] of entries(content, element)) {
    for (const conditions of alternatives(value, pkg, element)) {
      if (!isWanted({ element, package: pkg, conditions }, env)) continue
      const phase = String(conditions.phase ?? 'install.d')
      let packages = result.get(phase)
      if (packages === undefined) {
        packages = {}
        result.set(phase, packages)
      }
      addPackage(packages, pkg, element, conditions)
    }
  }
}

function addPackage(
  packages: PhasePackages,
  pkg: string,
  element: string,
  conditions: PackageConditions,
): void {
  const listed = (action: Action) => packages[action]?.some(([name]) => name === pkg) === true
  const add = (action: Action) => {
    packages[action] = [...(packages[action] ?? []), [pkg, element]]
  }
  // Somebody else's plain install keeps the package in the image.
  const kept = listed('install') && !listed('uninstall')
  if ('build-only' in conditions) {
    add('install')
    if (!kept) add('uninstall')
  } else if ('uninstall' in conditions) {
    if (!kept) add('uninstall')
  } else {
    add('install')
    const rest = packages.uninstall?.filter(([name]) => name !== pkg) ?? []
    if (rest.length > 0) packages.uninstall = rest
    else delete packages.uninstall
  }
}

function entries(content: unknown, element: string): [string, unknown][] {
  if (content === null || content === undefined || content === '') return []
  if (!isMapping(content)) throw invalid(element, 'must hold a mapping of package names')
  return Object.entries(content)
}

/** The alternatives of one package: nothing, a map, or a list of maps. */
function alternatives(value: unknown, pkg: string, element: string): PackageConditions[] {
  if (!value || (Array.isArray(value) && value.length === 0)) return [{}]
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (!isMapping(item)) {
      throw invalid(
        element,
        `says ${JSON.stringify(item)} about package ${pkg}, which is not a map of conditions`,
      )
    }
    return item
  })
}

function isMapping(value: unknown): value is PackageConditions {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(element: string, problem: string): CofferError {
  return new CofferError('PACKAGE_INSTALLS_INVALID', `The package-installs file of ${element} ${problem}`, {
    hint: 'The readme of the package-installs element shows the format.',
  })
}

/** The file DIB writes, which elements of others may read: JSON, indented by one. */
export function squashedJson(result: Squashed): string {
  return JSON.stringify(Object.fromEntries(result), undefined, 1)
}

/** The table the scripts in the chroot read: phase, action, element, package; one row each, separated by tabs. */
export function squashedTable(result: Squashed): string {
  const rows: string[] = []
  for (const [phase, packages] of result) {
    for (const action of ['install', 'uninstall'] as const) {
      for (const [pkg, element] of packages[action] ?? []) rows.push([phase, action, element, pkg].join('\t'))
    }
  }
  return rows.map((row) => `${row}\n`).join('')
}
