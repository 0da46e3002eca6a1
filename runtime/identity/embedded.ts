import type { Authority } from './authority.ts'
import type { AuthContext, TokenValidator } from './types.ts'

/** The validator for tokens of the identity in this process. */
export function embeddedValidator(authority: Authority, adminRoles: readonly string[]): TokenValidator {
  return {
    async validate(token): Promise<AuthContext | undefined> {
      const live = authority.check(token)
      if (live?.project === undefined) return undefined
      const roles = live.roles.map(({ name }) => name)
      return {
        userId: live.user.id,
        userName: live.user.name,
        projectId: live.project.id,
        projectName: live.project.name,
        roles,
        isAdmin: roles.some((role) => adminRoles.includes(role)),
        expiresAt: new Date(live.claims.expiresAt),
      }
    },
    close: () => Promise.resolve(),
  }
}
