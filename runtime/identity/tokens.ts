import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a token says. It names; it holds no secret and no right: those are looked up when it is used. */
export interface TokenClaims {
  readonly userId: string
  /** Undefined: an unscoped token. */
  readonly projectId: string | undefined
  readonly methods: readonly TokenMethod[]
  /** This token's own id, and that of the token it was got with. 22 characters each. */
  readonly auditIds: readonly [string] | readonly [string, string]
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export type TokenMethod = 'password' | 'token'

/** Makes and reads tokens. */
export interface TokenSigner {
  readonly sign: (claims: TokenClaims) => string
  /** What an unforged token says, expired or not; undefined for anything else. */
  readonly read: (token: string) => TokenClaims | undefined
}

/**
 * Layout, all lengths fixed: version 1, methods 1, issued 6, expires 6, user 16, project 16, audit 16, parent 16, MAC 32.
 * 110 bytes, so 147 characters of base64url. The first byte makes a token begin with a letter: a leading `-` would be taken
 * for an option on command lines.
 */
const VERSION = 0xc0
const CLAIMS_BYTES = 78
const MAC_BYTES = 32
const TOKEN_CHARACTERS = Math.ceil(((CLAIMS_BYTES + MAC_BYTES) * 4) / 3)
const METHOD_BITS: Readonly<Record<TokenMethod, number>> = { password: 1, token: 2 }
const NOTHING = Buffer.alloc(16)

/** A new audit id. */
export const newAuditId = (): string => randomBytes(16).toString('base64url')

/**
 * Signed tokens that need no storage.
 *
 * @param secret the control plane's key; tokens are signed with one derived from it, so that neither tells the other
 */
export function tokenSigner(secret: Buffer): TokenSigner {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'coffer identity tokens', 32))
  const mac = (claims: Buffer) => createHmac('sha256', key).update(claims).digest()
  return {
    sign(claims) {
      const bytes = encode(claims)
      return Buffer.concat([bytes, mac(bytes)]).toString('base64url')
    },
    read(token) {
      if (token.length !== TOKEN_CHARACTERS) return undefined
      const bytes = Buffer.from(token, 'base64url')
      // A second spelling of the same bytes is another token to a revocation by name, so only the canonical one counts.
      if (bytes.length !== CLAIMS_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return undefined
      const claims = bytes.subarray(0, CLAIMS_BYTES)
      if (!timingSafeEqual(mac(claims), bytes.subarray(CLAIMS_BYTES))) return undefined
      return claims[0] === VERSION ? decode(claims) : undefined
    },
  }
}

function encode(claims: TokenClaims): Buffer {
  const bytes = Buffer.alloc(CLAIMS_BYTES)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt8(
    claims.methods.reduce((bits, method) => bits | METHOD_BITS[method], 0),
    1,
  )
  bytes.writeUIntBE(claims.issuedAt, 2, 6)
  bytes.writeUIntBE(claims.expiresAt, 8, 6)
  bytes.write(claims.userId, 14, 16, 'hex')
  if (claims.projectId !== undefined) bytes.write(claims.projectId, 30, 16, 'hex')
  Buffer.from(claims.auditIds[0], 'base64url').copy(bytes, 46)
  if (claims.auditIds[1] !== undefined) Buffer.from(claims.auditIds[1], 'base64url').copy(bytes, 62)
  return bytes
}

function decode(bytes: Buffer): TokenClaims {
  const bits = bytes.readUInt8(1)
  const project = bytes.subarray(30, 46)
  const audit = bytes.subarray(46, 62).toString('base64url')
  const parent = bytes.subarray(62, 78)
  return {
    userId: bytes.subarray(14, 30).toString('hex'),
    projectId: project.equals(NOTHING) ? undefined : project.toString('hex'),
    methods: (['password', 'token'] as const).filter((method) => (bits & METHOD_BITS[method]) !== 0),
    auditIds: parent.equals(NOTHING) ? [audit] : [audit, parent.toString('base64url')],
    issuedAt: bytes.readUIntBE(2, 6),
    expiresAt: bytes.readUIntBE(8, 6),
  }
}
