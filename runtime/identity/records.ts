import { randomBytes } from 'node:crypto'

/** What `identity.json` holds. Ids are Keystone's: 32 hexadecimal digits. */
export interface IdentityData {
  readonly version: 1
  readonly users: readonly UserRecord[]
  readonly projects: readonly ProjectRecord[]
  readonly roles: readonly RoleRecord[]
  readonly assignments: readonly Assignment[]
  /** Tokens that were given back before their time; forgotten once that time is over. */
  readonly revoked: readonly RevokedToken[]
}

export interface UserRecord {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly description: string
  readonly email: string | null
  readonly defaultProjectId: string | null
  /** scrypt hash (passwords.ts); null: this user cannot log in. */
  readonly passwordHash: string | null
  /** Milliseconds since the epoch: tokens issued up to then are worthless (password change, disabling). */
  readonly tokensAfter: number
}

export interface ProjectRecord {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly description: string
}

export interface RoleRecord {
  readonly id: string
  readonly name: string
  readonly description: string
}

export interface Assignment {
  readonly userId: string
  readonly projectId: string
  readonly roleId: string
}

export interface RevokedToken {
  readonly auditId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The one domain there is, as every Keystone names it. */
export const DEFAULT_DOMAIN = { id: 'default', name: 'Default' } as const

/** A new id: 32 hexadecimal digits. */
export const newId = (): string => randomBytes(16).toString('hex')
