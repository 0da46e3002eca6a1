import { authRoutes } from './auth-v3.ts'
import { type IdentityApp, type IdentityDeps, identityFrame } from './frame.ts'
import { projectRoutes } from './projects.ts'
import { regionRoutes } from './regions.ts'
import { roleRoutes } from './roles.ts'
import { v2Routes } from './tokens-v2.ts'
import { userRoutes } from './users.ts'
import { versionRoutes } from './versions.ts'

/** The part of Keystone's API that the real clients use: v3, and the v2.0 of the book. Not listening yet. */
export function buildIdentityService(deps: IdentityDeps): IdentityApp {
  const app = identityFrame(deps)
  versionRoutes(app, deps)
  authRoutes(app, deps)
  v2Routes(app, deps)
  projectRoutes(app, deps)
  userRoutes(app, deps)
  roleRoutes(app, deps)
  regionRoutes(app, deps)
  return app
}

export type { IdentityApp, IdentityDeps } from './frame.ts'
