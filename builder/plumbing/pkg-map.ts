import { CofferError } from '../../lib/errors.ts'

/** A row of a flattened package map. The selector is a family, a distribution, or "distribution release". */
export interface PackageMapRow {
  readonly scope: 'default' | 'family' | 'distro' | 'release'
  readonly selector: string
  readonly name: string
  readonly packages: string
}

/**
 * Flattens an element's package map (JSON) into rows, in the order of the file (DIB contract §3.7).
 *
 * @param source the file's name, for errors.
 * @throws CofferError `PACKAGE_MAP_INVALID`
 */
export function flattenPackageMap(text: string, source: string): PackageMapRow[] {
  const root = mapping(parse(text, source), source, 'the file')
  const rows: PackageMapRow[] = []
  const add = (scope: PackageMapRow['scope'], selector: string, names: unknown) => {
    for (const [name, value] of Object.entries(mapping(names, source, `${scope} ${selector}`.trim()))) {
      rows.push({ scope, selector, name, packages: packages(value, source, name) })
    }
  }
  if (root.default !== undefined) add('default', '', root.default)
  for (const scope of ['family', 'distro'] as const) {
    for (const [selector, names] of Object.entries(mapping(root[scope] ?? {}, source, scope))) {
      add(scope, selector, names ?? {})
    }
  }
  for (const [distro, releases] of Object.entries(mapping(root.release ?? {}, source, 'release'))) {
    for (const [release, names] of Object.entries(mapping(releases, source, `release ${distro}`))) {
      add('release', `${distro} ${release}`, names)
    }
  }
  return rows
}

/** The rows as the table `pkg-map` reads in the image. */
export function packageMapTable(rows: readonly PackageMapRow[]): string {
  return rows.map((row) => `${[row.scope, row.selector, row.name, row.packages].join('\t')}\n`).join('')
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(source, error instanceof Error ? error.message : String(error))
  }
}

function mapping(value: unknown, source: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw invalid(source, `${what} must be an object`)
}

function packages(value: unknown, source: string, name: string): string {
  if (value === null) return ''
  if (typeof value !== 'string' || /[\t\n]/.test(value)) {
    throw invalid(source, `the value of ${name} must be text: package names separated by blanks`)
  }
  return value
}

function invalid(source: string, problem: string): CofferError {
  return new CofferError('PACKAGE_MAP_INVALID', `Unable to parse ${source}: ${problem}`, {
    hint: 'The readme of the pkg-map element shows the format.',
  })
}
