import exceptionIds from 'spdx-exceptions/index.json' with { type: 'json' }
import licenseIds from 'spdx-license-ids/index.json' with { type: 'json' }

const byLowerCase = (ids: readonly string[]) => new Map(ids.map((id) => [id.toLowerCase(), id]))
const LICENSES = byLowerCase(licenseIds)
const EXCEPTIONS = byLowerCase(exceptionIds)

/**
 * Short names of Debian's copyright format (DEP-5, "Short license names"), and spellings that its users have, whose SPDX
 * id is another word. Names that stand for many texts (`BSD`, `permissive`, `GPL` without a version) are not here: they
 * have no id.
 */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  artistic: 'Artistic-1.0-Perl',
  'boost-1.0': 'BSL-1.0',
  'bsd-3-clause-new': 'BSD-3-Clause',
  'bsd-4-clause-ucb': 'BSD-4-Clause-UC',
  cc0: 'CC0-1.0',
  expat: 'MIT',
  'openldap-2.8': 'OLDAP-2.8',
  'psf-2': 'PSF-2.0',
  'zope-2.1': 'ZPL-2.1',
}

/** Exceptions as people write them after "with", without the word "exception". */
const EXCEPTION_WORDS: Readonly<Record<string, string>> = {
  bison: 'Bison-exception-2.2',
  classpath: 'Classpath-exception-2.0',
  font: 'Font-exception-2.0',
  gcc: 'GCC-exception-3.1',
  'gcc-runtime': 'GCC-exception-3.1',
  'gcc-runtime-library': 'GCC-exception-3.1',
  libtool: 'Libtool-exception',
  'linux-syscall-note': 'Linux-syscall-note',
  llvm: 'LLVM-exception',
}

/**
 * The SPDX expression of one short name, such as `GPL-2+`, `Expat` or `GPL-2 with Linux-syscall-note exception`.
 *
 * @returns undefined for a name without an SPDX id
 */
export function spdxOfShortName(name: string): string | undefined {
  const [bare = '', exception] = name
    .trim()
    .split(/[\s-]+with[\s-]+(?:the\s+)?|(?<=\d\+?)-(?=[a-z][\w-]*-exception$)/i)
  const license = licenseId(bare)
  if (exception === undefined || license === undefined) return license
  const id = exceptionId(exception, license)
  return id === undefined ? undefined : `${license} WITH ${id}`
}

function licenseId(name: string): string | undefined {
  const lower = name.toLowerCase()
  const gnu = /^(gpl|lgpl|agpl|gfdl|gfdl-niv)[-_ ]?v?(\d+(?:\.\d+)*)(\+|-only|-or-later)?$/.exec(lower)
  if (gnu !== null) {
    const [, family = '', version = '', later = '-only'] = gnu
    return gnuId(family, version, later !== '-only')
  }
  const plain = knownId(lower)
  if (plain !== undefined) return plain
  const base = lower.endsWith('+') ? knownId(lower.slice(0, -1)) : undefined
  return base === undefined ? undefined : `${base}+`
}

/** `Apache-2` is `Apache-2.0`: zeros at the end of a version do not count (DEP-5). */
function knownId(lower: string): string | undefined {
  return (
    (Object.hasOwn(OTHER_WORDS, lower) ? OTHER_WORDS[lower] : undefined) ??
    LICENSES.get(lower) ??
    (/-\d+$/.test(lower) ? LICENSES.get(`${lower}.0`) : undefined)
  )
}

function gnuId(family: string, version: string, later: boolean): string | undefined {
  const [major = '', minor = '0'] = version.split('.')
  const niv = family === 'gfdl-niv'
  const stem = `${niv ? 'gfdl' : family}-${major}.${minor}${niv ? '-no-invariants' : ''}`
  return LICENSES.get(`${stem}${later ? '-or-later' : '-only'}`)
}

function exceptionId(words: string, license: string): string | undefined {
  const name = words
    .trim()
    .toLowerCase()
    .replace(/[\s_-]*exceptions?$/, '')
    .replace(/[\s_]+/g, '-')
  if (name === 'autoconf') return `Autoconf-exception-${license.startsWith('GPL-3') ? '3.0' : '2.0'}`
  const known = Object.hasOwn(EXCEPTION_WORDS, name) ? EXCEPTION_WORDS[name] : undefined
  return (
    known ??
    EXCEPTIONS.get(words.trim().toLowerCase()) ??
    EXCEPTIONS.get(`${name}-exception`) ??
    EXCEPTIONS.get(name.replace(/-(?=[\d.]+$)/, '-exception-'))
  )
}
