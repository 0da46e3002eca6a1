/**
 * Control characters written out (`\x1b`), so that no name, message or log of a guest can drive the terminal; line breaks
 * stay.
 */
export function printable(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}

/** As {@link printable}, on one line: a line break in a value must not begin a line that looks like another's. */
export const printableLine = (text: string): string => printable(text).replaceAll('\n', '\\n')
