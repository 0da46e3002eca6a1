/** What a package's copyright file says about licences. */
export interface CopyrightFacts {
  /** Synopses of a machine-readable file, as `GPL-2+ or Artistic`: one for each group of files, without repetition. */
  readonly licenses: readonly string[]
  /** Names below /usr/share/common-licenses that another file refers to. A hint: it does not say what is licensed how. */
  readonly mentioned: readonly string[]
}

const MAX_NAMES = 200
/** Longer ones are licence texts that stand where a short name belongs. */
const MAX_SYNOPSIS = 120

/**
 * Reads a copyright file. Machine-readable ones (Debian's copyright-format 1.0, "DEP-5") begin with a `Format` field; the
 * licences of a package are those of its header and its `Files` paragraphs, not those of the paragraphs that only hold
 * the text of a licence.
 */
export function parseCopyright(text: string): CopyrightFacts {
  const paragraphs = text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n/g, '\n')
    .trimStart()
    .split(/\n[ \t]*\n+/)
  const [header = ''] = paragraphs
  if (field(header, 'Format(?:-Specification)?') === undefined) {
    return { licenses: [], mentioned: mentions(text) }
  }
  const own = synopses(paragraphs.filter((one, at) => at === 0 || field(one, 'Files') !== undefined))
  // Some files name all licences in paragraphs of their own only.
  return { licenses: own.length > 0 ? own : synopses(paragraphs), mentioned: [] }
}

function synopses(paragraphs: readonly string[]): readonly string[] {
  const found = paragraphs
    .map((paragraph) => field(paragraph, 'License')?.replace(/\s+/g, ' ') ?? '')
    .filter((synopsis) => synopsis !== '' && synopsis.length <= MAX_SYNOPSIS)
  return [...new Set(found)].slice(0, MAX_NAMES)
}

/** The first line of a field. */
const field = (paragraph: string, name: string): string | undefined =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(paragraph)?.[1]?.trim()

function mentions(text: string): readonly string[] {
  const names = [...text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.+-]*)/g)].map(
    ([, name = '']) => name.replace(/[.+-]+$/, ''),
  )
  return [...new Set(names)].sort().slice(0, MAX_NAMES)
}
