import { createHmac, randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto'

interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** 16 MiB of memory and about 0.15 s of one core. */
const COST: Cost = { N: 2 ** 14, r: 8, p: 5 }
const HASH_BYTES = 32
const MAX_MEMORY = 64 * 1024 * 1024

/** No look-alikes (0 O, 1 l I): people type these from a screen. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** A random password of letters and digits: `length` × 5.8 bits. */
export function generatePassword(length = 24): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

/**
 * The scrypt hash of a password: `scrypt$N$r$p$salt$hash`.
 *
 * @param cost scrypt's parameters, which travel with the hash
 */
export async function hashPassword(password: string, cost: Cost = COST): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Checks passwords against stored hashes. */
export interface PasswordChecker {
  /**
   * @param hash the stored one; undefined for a user that does not exist, which takes as long and is false
   */
  readonly check: (hash: string | undefined, password: string) => Promise<boolean>
}

/**
 * A checker that takes equally long for every wrong password and every unknown user, and next to no time for a password
 * that was right a moment ago: it remembers a keyed digest of it, under a key that lives in this process only.
 */
export function passwordChecker(): PasswordChecker {
  const key = randomBytes(32)
  const digest = (hash: string, password: string) =>
    createHmac('sha256', key).update(`${hash}\n${password}`).digest()
  const right = new Map<string, Buffer>()
  const decoy = `scrypt$${COST.N}$${COST.r}$${COST.p}$${randomBytes(16).toString('base64url')}$${randomBytes(HASH_BYTES).toString('base64url')}`
  return {
    async check(hash, password) {
      if (hash === undefined) {
        await matches(decoy, password)
        return false
      }
      const known = right.get(hash)
      if (known !== undefined && timingSafeEqual(known, digest(hash, password))) return true
      const ok = await matches(hash, password)
      if (ok) {
        if (right.size >= 1000) right.clear()
        right.set(hash, digest(hash, password))
      }
      return ok
    },
  }
}

async function matches(hash: string, password: string): Promise<boolean> {
  const [scheme, N, r, p, salt, expected] = hash.split('$')
  if (scheme !== 'scrypt' || salt === undefined || expected === undefined) return false
  const wanted = Buffer.from(expected, 'base64url')
  if (wanted.length !== HASH_BYTES) return false
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64url'), cost), wanted)
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { ...cost, maxmem: MAX_MEMORY }, (error, hash) => {
      if (error === null) resolve(hash)
      else reject(error)
    })
  })
}
