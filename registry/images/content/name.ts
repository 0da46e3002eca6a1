import { isUtf8 } from 'node:buffer'

/**
 * A name's or a path's bytes as text. Bytes that are no UTF-8 become lone surrogates (U+DC80 for 0x80 and so on), so that
 * different names stay different.
 */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return [...bytes].map((byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('')
}
