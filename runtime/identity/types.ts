/** Who a request comes from: the token's user, in the token's project. */
export interface AuthContext {
  readonly userId: string
  readonly userName: string
  readonly projectId: string
  readonly projectName: string
  readonly roles: readonly string[]
  readonly isAdmin: boolean
  readonly expiresAt: Date
}

/**
 * The seam between the API and whoever keeps the users: the embedded identity, or a real Keystone.
 *
 * What a member MUST keep: an expired, revoked, forged or unscoped token is `undefined`, never an exception; a keeper that
 * cannot be reached throws CofferError IDENTITY_UNAVAILABLE (retryable), which the API shows as 503.
 */
export interface TokenValidator {
  readonly validate: (token: string) => Promise<AuthContext | undefined>
  readonly close: () => Promise<void>
}
