import { CofferError } from '../../lib/errors.ts'

/**
 * Splits a variable's text into words as a shell would, but expands nothing: quotes and backslashes only hold a word
 * together.
 *
 * @throws CofferError `DOWNLOAD_OPTIONS_UNREADABLE` for an open quote or a control character (the text itself is not
 *   repeated: it may hold a password).
 */
export function splitWords(text: string, variable: string): string[] {
  const unreadable = (why: string) => new CofferError('DOWNLOAD_OPTIONS_UNREADABLE', `${variable}: ${why}`)
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(char)) throw unreadable('it holds a control character')
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char
      word ??= ''
    } else if (char === quote) {
      quote = ''
    } else if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      word = (word ?? '') + text.charAt(++at)
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== '') throw unreadable(`a ${quote} is not closed`)
  if (word !== undefined) words.push(word)
  return words
}
