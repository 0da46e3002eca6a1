import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One `deb` source of apt's configuration. */
export interface AptSource {
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  /** The keyring the source names, if it names one. */
  readonly signedBy?: string
}

/** Reads one-line sources (`sources.list(5)`): `deb [option=value …] URI SUITE COMPONENT…`. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = []
  for (const line of text.split('\n')) {
    const match = /^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$/.exec(line.replace(/#.*/, '').trim())
    if (match === null) continue
    const [, options = '', uri = '', suite = '', components = ''] = match
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1]
    sources.push({
      uri,
      suite,
      components: words(components),
      ...(signedBy === undefined ? {} : { signedBy }),
    })
  }
  return sources
}

/** Reads deb822 sources: stanzas with `Types`, `URIs`, `Suites`, `Components`, `Enabled`, `Signed-By`. */
export function parseDeb822(text: string): AptSource[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n(?:[ \t]*\n)+/)
    .flatMap((stanza) => {
      const fields = new Map<string, string>()
      let last = ''
      for (const line of stanza.split('\n')) {
        const match = /^([^\s:]+):\s*(.*)$/.exec(line)
        if (match !== null) {
          last = (match[1] ?? '').toLowerCase()
          fields.set(last, match[2] ?? '')
        } else if (last !== '') fields.set(last, `${fields.get(last)} ${line}`)
      }
      const disabled = /^(no|false|without|off|disable|0)$/i.test(fields.get('enabled')?.trim() ?? '')
      if (disabled || !words(fields.get('types') ?? '').includes('deb')) return []
      const signedBy = fields.get('signed-by')?.trim()
      return words(fields.get('uris') ?? '').flatMap((uri) =>
        words(fields.get('suites') ?? '').map((suite) => ({
          uri,
          suite,
          components: words(fields.get('components') ?? ''),
          ...(signedBy === undefined ? {} : { signedBy }),
        })),
      )
    })
}

/**
 * The sources of an apt directory, `sources.list` first. Files that are not there or cannot be read are left out: this
 * only looks for a hint.
 */
export function readAptSources(etcApt = '/etc/apt'): AptSource[] {
  const parts = join(etcApt, 'sources.list.d')
  const sources = parseOneLine(readOr(join(etcApt, 'sources.list')))
  for (const name of listOr(parts)) {
    const text = () => readOr(join(parts, name))
    if (name.endsWith('.list')) sources.push(...parseOneLine(text()))
    if (name.endsWith('.sources')) sources.push(...parseDeb822(text()))
  }
  return sources.flatMap((source) => resolveMirrorList(source, etcApt))
}

/** `mirror+file:LIST` (Debian's cloud images) stands for the addresses in LIST; the first one is taken. */
function resolveMirrorList(source: AptSource, etcApt: string): AptSource[] {
  const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(source.uri)?.[1]
  if (list === undefined) return [source]
  const path = list.startsWith('/etc/apt/') ? join(etcApt, list.slice('/etc/apt/'.length)) : list
  const uri = readOr(path)
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s/)[0] ?? '')
    .find((line) => line !== '')
  return uri === undefined ? [] : [{ ...source, uri }]
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function listOr(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}
