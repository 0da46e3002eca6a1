import { sha256 } from '../../../lib/hash.ts'
import { spdxOfShortName } from './short-names.ts'

/** The licences of a package in SPDX's words. */
export interface LicenseExpression {
  /** A valid expression (SPDX 2.3, annex D), or undefined when nothing is known. */
  readonly expression: string | undefined
  /** What the expression names by `LicenseRef-…`: SPDX has no id for it. */
  readonly references: readonly LicenseReference[]
}

export interface LicenseReference {
  readonly id: string
  /** As the copyright file has it. */
  readonly name: string
}

type Operator = 'AND' | 'OR'

interface Term {
  readonly text: string
  /** What joins its parts; undefined for a single licence. */
  readonly operator?: Operator
}

/**
 * The expression for a package whose files are under these licences: all of them hold.
 *
 * @param synopses of Debian's machine-readable copyright files: short names joined by `or` and `and`; `and` binds closer,
 *   unless a comma says otherwise (`A or B, and C`)
 */
export function licenseExpression(synopses: readonly string[]): LicenseExpression {
  const references = new Map<string, LicenseReference>()
  const single = (name: string): Term => {
    if (/^perl$/i.test(name)) return join('OR', [{ text: 'GPL-1.0-or-later' }, { text: 'Artistic-1.0-Perl' }])
    const id = spdxOfShortName(name)
    if (id !== undefined) return { text: id }
    const reference = { id: referenceId(name), name }
    references.set(reference.id, reference)
    return { text: reference.id }
  }
  const terms = synopses
    .map((synopsis) => (isProse(synopsis) ? single(synopsis) : withCommas(synopsis, single)))
    .filter((term) => term !== undefined)
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
  return {
    expression: terms.length === 0 ? undefined : join('AND', terms).text,
    references: [...references.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

/** Whether words stand where short names belong: those have no spaces, but before and after "with". */
const isProse = (synopsis: string): boolean =>
  synopsis.split(/,|\s(?:and|or|and\/or)\s/i).some((name) => /\S\s+\S/.test(name.replace(/\swith\s.*/i, '')))

/** `A or B, and C`: what a comma stands before is joined last, from left to right. */
function withCommas(synopsis: string, single: (name: string) => Term): Term | undefined {
  const pieces = synopsis
    .replace(/_(and|or)_/gi, ' $1 ')
    .replace(/\band\/or\b/gi, 'or')
    .split(/,\s*(?:(and|or)\s+)?/i)
  let whole = alternatives(pieces[0] ?? '', single)
  for (let at = 1; at < pieces.length; at += 2) {
    const next = alternatives(pieces[at + 1] ?? '', single)
    const operator = /^or$/i.test(pieces[at] ?? '') ? 'OR' : 'AND'
    whole = whole === undefined || next === undefined ? (whole ?? next) : join(operator, [whole, next])
  }
  return whole
}

function alternatives(text: string, single: (name: string) => Term): Term | undefined {
  const names = (words: string) =>
    words
      .split(/\s+and\s+/i)
      .map((name) => name.trim())
      .filter((name) => name !== '')
  const terms = text
    .split(/\s+or\s+/i)
    .map(names)
    .filter((list) => list.length > 0)
    .map((list) => join('AND', list.map(single)))
  return terms.length === 0 ? undefined : join('OR', terms)
}

function join(operator: Operator, terms: readonly Term[]): Term {
  const parts = terms.map((term) =>
    term.operator !== undefined && term.operator !== operator ? `(${term.text})` : term.text,
  )
  const distinct = [...new Set(parts)]
  const [only] = terms
  if (distinct.length === 1 && only !== undefined) return only
  return { text: distinct.join(` ${operator} `), operator }
}

/** An SPDX id has letters, digits, dots and dashes only; names that differ must not meet in one id. */
function referenceId(name: string): string {
  const clean = name
    .replace(/[^A-Za-z0-9.-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return clean === name
    ? `LicenseRef-${clean}`
    : `LicenseRef-${clean || 'license'}-${sha256(name).slice(0, 8)}`
}
