/** A package that dpkg has installed whole. */
export interface InstalledPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** Name and version of the source package, where they differ from the binary's. */
  readonly source?: string
  readonly sourceVersion?: string
  readonly maintainer?: string
  readonly section?: string
}

const FIELDS = new Set(['Package', 'Version', 'Architecture', 'Status', 'Source', 'Maintainer', 'Section'])

/**
 * Reads dpkg's status file (deb-status(5)): paragraphs of fields. Only what is installed whole counts, and names that dpkg
 * itself would refuse do not (they become paths). Sorted by name, then architecture.
 */
export function parseDpkgStatus(text: string): readonly InstalledPackage[] {
  return text
    .split(/\n{2,}/)
    .map(fieldsOf)
    .flatMap(installed)
    .sort((a, b) => compare(a.name, b.name) || compare(a.architecture, b.architecture))
}

function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of paragraph.split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    if (FIELDS.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}

function installed(fields: ReadonlyMap<string, string>): InstalledPackage[] {
  const name = fields.get('Package') ?? ''
  const version = fields.get('Version')
  if (!/^[a-z0-9][a-z0-9+.-]*$/i.test(name) || version === undefined) return []
  if (!/ installed$/.test(fields.get('Status') ?? '')) return []
  // `Source: openssl (3.0.15-1)`, or the name alone when the versions are the same.
  const [, source, sourceVersion] = /^(\S+)(?:\s+\((\S+)\))?$/.exec(fields.get('Source') ?? '') ?? []
  const maintainer = fields.get('Maintainer')
  const section = fields.get('Section')
  return [
    {
      name,
      version,
      architecture: fields.get('Architecture') ?? '',
      ...(source === undefined || source === name ? {} : { source }),
      ...(sourceVersion === undefined || sourceVersion === version ? {} : { sourceVersion }),
      ...(maintainer === undefined ? {} : { maintainer }),
      ...(section === undefined ? {} : { section }),
    },
  ]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
