import { randomInt } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Length of the passwords that root gets (contract §1.6). */
export const ROOT_PASSWORD_LENGTH = 36

/** A password of letters and digits, 5.9 bits each, so that it passes through every shell, URL and client. */
export function randomPassword(length: number = ROOT_PASSWORD_LENGTH): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
