import { CofferError } from '../lib/errors.ts'

/** Members of POSIX character classes in the C locale, as they stand in a JavaScript class. */
const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-/:-@\\[-`{-~',
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
}

/**
 * The JavaScript form of a POSIX extended regular expression, as `grep -E` reads it in the C locale.
 *
 * @throws CofferError `RUN_PARTS_REGEX_INVALID`, since RUN_PARTS_REGEX is the one expression a caller gives
 */
export function extendedRegex(expression: string): RegExp {
  try {
    return new RegExp(translate(expression))
  } catch (error) {
    throw new CofferError(
      'RUN_PARTS_REGEX_INVALID',
      `'${expression}' is not an extended regular expression`,
      {
        hint: 'RUN_PARTS_REGEX is read as `grep -E` reads it; unset it for the default ^[0-9A-Za-z_-]+$.',
        cause: error,
      },
    )
  }
}

function translate(text: string): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at)
    const bracket = rest.startsWith('[') ? bracketLength(rest) : 0
    const interval = /^\{(\d*)(,?)(\d*)\}/.exec(rest)
    if (bracket > 0) {
      out += bracketExpression(rest.slice(1, bracket - 1))
      at += bracket
    } else if (rest.startsWith('\\')) {
      out += escaped(rest[1])
      at += 2
    } else if (interval !== null && `${interval[1]}${interval[3]}` !== '') {
      out += `{${interval[1] === '' ? '0' : interval[1]}${interval[2]}${interval[3]}}`
      at += interval[0].length
    } else {
      // A brace that opens no interval stands for itself.
      out += rest.startsWith('{') || rest.startsWith('}') ? `\\${rest[0]}` : (rest[0] ?? '')
      at += 1
    }
  }
  return out
}

function escaped(character: string | undefined): string {
  if (character === undefined) throw new SyntaxError('trailing backslash')
  if (character === '<' || character === '>') return '\\b'
  if (/[bBwWsS1-9]/.test(character)) return `\\${character}`
  return /[A-Za-z0]/.test(character) ? character : `\\${character}`
}

/** Characters of the bracket expression a text starts with; 0 when it is never closed. */
function bracketLength(text: string): number {
  return /^\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\]/.exec(text)?.[0].length ?? 0
}

function bracketExpression(inner: string): string {
  const negated = inner.startsWith('^')
  const members = (negated ? inner.slice(1) : inner).replace(
    /\[:([a-z]+):\]|[\\\][^]/g,
    (match, name: string | undefined) => {
      if (name === undefined) return `\\${match}`
      const set = classes[name]
      if (set === undefined) throw new SyntaxError(`unknown character class ${name}`)
      return set
    },
  )
  return `[${negated ? '^' : ''}${members}]`
}
