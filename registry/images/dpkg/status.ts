import type { ImagePackage } from '../manifest.ts'

/** An installed package as dpkg's status file describes it. */
export interface InstalledPackage extends ImagePackage {
  /** Name and version of the source package, where they differ from the binary's. */
  readonly source?: string
  readonly sourceVersion?: string
  /** MD5 of the configuration files as the package brings them, by absolute path. */
  readonly conffiles: ReadonlyMap<string, string>
}

/** Reads dpkg's status file (deb-status(5)): paragraphs of fields; only what is installed whole counts. By name. */
export function parseStatus(text: string): readonly InstalledPackage[] {
  return text
    .split(/\n{2,}/)
    .flatMap((paragraph) => {
      const fields = fieldsOf(paragraph)
      const [name, version] = [fields.get('Package'), fields.get('Version')]
      if (name === undefined || version === undefined) return []
      // Held packages are `hold ok installed`.
      if (!/ installed$/.test(fields.get('Status') ?? '')) return []
      const architecture = fields.get('Architecture') ?? ''
      return [
        {
          name,
          version,
          architecture,
          ...sourceOf(name, version, fields.get('Source')),
          conffiles: conffilesOf(fields),
        },
      ]
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** Fields with their continuation lines (deb822(5)). */
function fieldsOf(paragraph: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  let last = ''
  for (const line of paragraph.split('\n')) {
    if (/^[ \t]/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 0) continue
    last = line.slice(0, colon)
    fields.set(last, line.slice(colon + 1).trim())
  }
  return fields
}

/** `Source: name (version)`, or the name alone when the versions are the same. */
function sourceOf(
  name: string,
  version: string,
  field = '',
): Pick<InstalledPackage, 'source' | 'sourceVersion'> {
  const [, source, sourceVersion] = /^(\S+)(?:\s+\((\S+)\))?$/.exec(field) ?? []
  return {
    ...(source === undefined || source === name ? {} : { source }),
    ...(sourceVersion === undefined || sourceVersion === version ? {} : { sourceVersion }),
  }
}

function conffilesOf(fields: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const lines = (fields.get('Conffiles') ?? '').split('\n')
  return new Map(
    lines
      .map((line) => /^(\/.*) ([0-9a-f]{32})( obsolete)?$/.exec(line))
      .filter((match) => match !== null)
      .map(([, path = '', digest = '']) => [path, digest]),
  )
}
