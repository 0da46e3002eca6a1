import { isRolling, type Mirror } from './mirrors.ts'

/** What {@link sourcesFor} renders. */
export interface SourcesQuestion {
  readonly distribution: string
  readonly suite: string
  readonly components: readonly string[]
  readonly mirror: Mirror
  /** Suites beside the main one. Default `updates` and `security`. A rolling suite has none. */
  readonly pockets?: readonly string[]
  /** `one-line` (`deb …` lines, the default) or `deb822` stanzas. */
  readonly format?: 'one-line' | 'deb822'
  /** A keyring inside the target, for `Signed-By`. */
  readonly signedBy?: string
}

interface Source {
  readonly uri: string
  readonly suite: string
}

/** Debian up to buster names the suite of its security archive `SUITE/updates`. */
const oldSecurityName = new Set(['wheezy', 'jessie', 'stretch', 'buster'])

/**
 * Renders a target's apt sources. Empty when no mirror is known; a pocket whose archive is not known is left out.
 */
export function sourcesFor(question: SourcesQuestion): string {
  const { components, format = 'one-line', signedBy } = question
  const sources = sourceList(question)
  if (format === 'one-line') {
    const options = signedBy === undefined ? '' : ` [signed-by=${signedBy}]`
    return sources.map(({ uri, suite }) => `deb${options} ${uri} ${suite} ${components.join(' ')}\n`).join('')
  }
  return [...new Set(sources.map(({ uri }) => uri))]
    .map((uri) => {
      const suites = sources.filter((source) => source.uri === uri).map(({ suite }) => suite)
      const key = signedBy === undefined ? '' : `Signed-By: ${signedBy}\n`
      return `Types: deb\nURIs: ${uri}\nSuites: ${suites.join(' ')}\nComponents: ${components.join(' ')}\n${key}`
    })
    .join('\n')
}

function sourceList({
  distribution,
  suite,
  mirror,
  pockets = ['updates', 'security'],
}: SourcesQuestion): Source[] {
  const { uri, securityUri } = mirror
  if (uri === undefined) return []
  if (isRolling(distribution, suite)) return [{ uri, suite }]
  const beside = pockets.flatMap((pocket) => {
    if (pocket !== 'security') return [{ uri, suite: `${suite}-${pocket}` }]
    if (securityUri === undefined) return []
    const old = distribution === 'debian' && oldSecurityName.has(suite)
    return [{ uri: securityUri, suite: old ? `${suite}/updates` : `${suite}-security` }]
  })
  return [{ uri, suite }, ...beside]
}
