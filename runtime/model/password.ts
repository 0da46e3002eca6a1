import { randomInt } from 'node:crypto'

/** Letters and digits that nobody confuses when reading them aloud. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789'

/** A random password: 36 characters as in Trove (option default_password_length), about 207 bits. */
export function generatePassword(length = 36): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
