import { CofferError } from '../../lib/errors.ts'
import { splitWords } from './words.ts'

const VARIABLE = 'DATASTORE_DOWNLOAD_OPTS'

/** One line of a curl configuration: a long option's name, and its value unless it is a switch. */
export interface CurlSetting {
  readonly name: string
  readonly value?: string
}

interface Rule {
  /** `flag` takes no value, `value` takes one (`--opt=v` or `--opt v`). */
  readonly takes: 'flag' | 'value'
  readonly settings: (value: string) => readonly CurlSetting[]
  readonly check?: RegExp
}

const setting = (name: string) => (value: string) => [{ name, value }]
const flag = (...settings: readonly CurlSetting[]): Rule => ({ takes: 'flag', settings: () => settings })
const value = (name: string, check?: RegExp): Rule => ({
  takes: 'value',
  settings: setting(name),
  ...(check === undefined ? {} : { check }),
})
const seconds = /^\d{1,6}(\.\d+)?$/
const idle = (text: string): CurlSetting[] => [
  { name: 'speed-limit', value: '1' },
  { name: 'speed-time', value: String(Math.max(1, Math.ceil(Number(text)))) },
]

/** The wget options of the book's DATASTORE_DOWNLOAD_OPTS that are understood, and what curl calls them. */
const rules: Readonly<Record<string, Rule>> = {
  '--user': value('user-name'),
  '--http-user': value('user-name'),
  '--password': value('user-password'),
  '--http-password': value('user-password'),
  '--header': value('header', /^[A-Za-z0-9-]+\s*:/),
  '--user-agent': value('user-agent'),
  '--referer': value('referer'),
  '--load-cookies': value('cookie'),
  '--ca-certificate': value('cacert'),
  '--ca-directory': value('capath'),
  '--certificate': value('cert'),
  '--private-key': value('key'),
  '--limit-rate': value('limit-rate', /^\d+(\.\d+)?[kmgKMG]?$/),
  '--max-redirect': value('max-redirs', /^\d{1,3}$/),
  '--connect-timeout': value('connect-timeout', seconds),
  '--read-timeout': { takes: 'value', check: seconds, settings: idle },
  '--timeout': {
    takes: 'value',
    check: seconds,
    settings: (text) => [{ name: 'connect-timeout', value: text }, ...idle(text)],
  },
  '--tries': {
    takes: 'value',
    check: /^[1-9]\d{0,3}$/,
    settings: (text) => [{ name: 'retry', value: String(Number(text) - 1) }],
  },
  '--no-proxy': flag({ name: 'noproxy', value: '*' }),
  '--inet4-only': flag({ name: 'ipv4' }),
  '--inet6-only': flag({ name: 'ipv6' }),
  '--no-netrc': flag({ name: 'no-netrc-optional' }),
  // These change only what wget prints, or what curl does anyway.
  '--quiet': flag(),
  '--no-verbose': flag(),
  '--verbose': flag(),
  '--continue': flag(),
  '--auth-no-challenge': flag(),
  '--progress': { takes: 'value', settings: () => [] },
}

const shortNames: Readonly<Record<string, string>> = {
  '-T': '--timeout',
  '-t': '--tries',
  '-U': '--user-agent',
  '-q': '--quiet',
  '-nv': '--no-verbose',
  '-v': '--verbose',
  '-c': '--continue',
  '-4': '--inet4-only',
  '-6': '--inet6-only',
}

const refusals: Readonly<Record<string, string>> = {
  '--no-check-certificate':
    'it would hand your credentials to whoever answers; name the right certificate with --ca-certificate=FILE',
  '--output-document': 'where the package is kept is not yours to choose',
  '-O': 'where the package is kept is not yours to choose',
  '--input-file': 'DATASTORE_PKG_LOCATION names the one thing to fetch',
  '-i': 'DATASTORE_PKG_LOCATION names the one thing to fetch',
}

/** The options that {@link downloadSettings} understands, for the manual. */
export const knownDownloadOptions: readonly string[] = Object.keys(rules)

/**
 * Reads the book's DATASTORE_DOWNLOAD_OPTS (wget options) without a shell and gives curl's names for them.
 *
 * @returns settings in the order given; user name and password are joined to curl's one `user`.
 * @throws CofferError `DOWNLOAD_OPTION_REFUSED` for an option that is unknown, unsafe, or given a wrong value. Values
 *   never appear in the message: they may be secrets.
 */
export function downloadSettings(text: string): CurlSetting[] {
  const words = splitWords(text, VARIABLE)
  const settings: CurlSetting[] = []
  for (let at = 0; at < words.length; at++) {
    const { option, attached } = optionOf(words[at] ?? '')
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined
    if (rule === undefined) throw unknown(option)
    const given = rule.takes === 'value' ? (attached ?? words[++at]) : attached
    if (rule.takes === 'flag' && given !== undefined) throw refused(option, 'it takes no value')
    if (rule.takes === 'value' && given === undefined) throw refused(option, 'its value is missing')
    if (rule.check !== undefined && !rule.check.test(given ?? '')) {
      throw refused(option, 'its value has the wrong form')
    }
    settings.push(...rule.settings(given ?? ''))
  }
  return joinUser(settings)
}

/** Renders settings as the text of a curl configuration file. */
export function curlConfig(settings: readonly CurlSetting[]): string {
  const quote = (text: string) =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\t', '\\t').replaceAll('\n', '\\n')}"`
  return settings
    .map(({ name, value: text }) => (text === undefined ? `${name}\n` : `${name} = ${quote(text)}\n`))
    .join('')
}

function optionOf(word: string): { option: string; attached: string | undefined } {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    return equals < 0
      ? { option: word, attached: undefined }
      : { option: word.slice(0, equals), attached: word.slice(equals + 1) }
  }
  if (Object.hasOwn(shortNames, word)) return { option: shortNames[word] ?? word, attached: undefined }
  // `-T30` is `-T 30`; anything else that is no option keeps only its first two characters: it may be a secret.
  const short = word.slice(0, 2)
  return { option: shortNames[short] ?? short, attached: word.slice(2) === '' ? undefined : word.slice(2) }
}

function joinUser(settings: readonly CurlSetting[]): CurlSetting[] {
  const last = (name: string) => settings.findLast((entry) => entry.name === name)?.value
  const name = last('user-name')
  const password = last('user-password')
  const rest = settings.filter((entry) => !entry.name.startsWith('user-') || entry.name === 'user-agent')
  if (name === undefined) {
    if (password !== undefined) throw refused('--password', 'a --user must come with it')
    return rest
  }
  if (name.includes(':')) throw refused('--user', 'a user name cannot hold a colon')
  return [...rest, { name: 'user', value: `${name}:${password ?? ''}` }]
}

function unknown(option: string): CofferError {
  const reason = Object.hasOwn(refusals, option) ? refusals[option] : undefined
  return refused(option.startsWith('-') ? option : 'a word', reason ?? 'it is not an option known here')
}

function refused(option: string, why: string): CofferError {
  return new CofferError('DOWNLOAD_OPTION_REFUSED', `${VARIABLE}: ${option} is refused: ${why}`, {
    hint: `Known options: ${knownDownloadOptions.join(' ')}`,
  })
}
