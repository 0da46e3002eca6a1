/** What an archive says of one suite: the fields and the digests of a `Release` or `InRelease` file. */
export interface ReleaseFile {
  readonly origin?: string
  readonly label?: string
  readonly suite?: string
  readonly codename?: string
  /** When it was made. */
  readonly date?: Date
  /** After this apt refuses it. */
  readonly validUntil?: Date
  /** True when apt installs from it only what no other suite has, or what is asked for by name (`NotAutomatic`). */
  readonly notAutomatic: boolean
  /** True when every index is also there under its digest (`Acquire-By-Hash`). */
  readonly byHash: boolean
  /** SHA-256 of the suite's files, by path relative to the Release file. */
  readonly files: ReadonlyMap<string, string>
}

/** Tells the address of a Release file, and which directory the files it lists are relative to (ends with a slash). */
export function releasePlace(url: string): string | undefined {
  return /^(.*\/)(?:In)?Release$/.exec(url)?.[1]
}

/**
 * Reads a Release file, signed inline or not. Signatures are not looked at: this is for telling what apt has checked, or
 * what is worth a build in which apt will. Unknown text gives an empty result.
 */
export function parseRelease(text: string): ReleaseFile {
  const fields = new Map<string, string>()
  const files = new Map<string, string>()
  let section = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('-----BEGIN PGP SIGNATURE')) break
    const field = /^([A-Za-z0-9-]+):[ \t]*(.*?)\s*$/.exec(line)
    if (field !== null) {
      section = (field[1] ?? '').toLowerCase()
      fields.set(section, field[2] ?? '')
    } else if (section === 'sha256') {
      const [, digest = '', path = ''] = /^\s+([0-9a-f]{64})\s+\d+\s+(\S+)\s*$/.exec(line) ?? []
      if (path !== '') files.set(path, digest)
    }
  }
  const [date, validUntil] = [dateOf(fields.get('date')), dateOf(fields.get('valid-until'))]
  return {
    ...textFields(fields),
    ...(date === undefined ? {} : { date }),
    ...(validUntil === undefined ? {} : { validUntil }),
    notAutomatic: fields.get('notautomatic') === 'yes',
    byHash: fields.get('acquire-by-hash') === 'yes',
    files,
  }
}

function textFields(fields: ReadonlyMap<string, string>) {
  const names = ['origin', 'label', 'suite', 'codename'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = fields.get(name)
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  ) as Pick<ReleaseFile, (typeof names)[number]>
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
