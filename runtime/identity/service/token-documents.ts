import type { LiveToken } from '../authority.ts'
import { catalogV2, catalogV3, type Endpoints } from '../catalog.ts'
import { DEFAULT_DOMAIN, type ProjectRecord } from '../records.ts'

/** Keystone's time: microseconds, `Z`. */
const precise = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

/**
 * The body of a v3 token.
 *
 * @param catalog false leaves the catalog out (`?nocatalog`)
 */
export function tokenV3(live: LiveToken, endpoints: Endpoints, catalog: boolean) {
  const { claims, user, project, roles } = live
  return {
    token: {
      methods: claims.methods,
      user: { domain: DEFAULT_DOMAIN, id: user.id, name: user.name, password_expires_at: null },
      audit_ids: claims.auditIds,
      expires_at: precise(claims.expiresAt),
      issued_at: precise(claims.issuedAt),
      ...(project === undefined
        ? {}
        : {
            project: { domain: DEFAULT_DOMAIN, id: project.id, name: project.name },
            is_domain: false,
            roles: roles.map(({ id, name }) => ({ id, name })),
            ...(catalog ? { catalog: catalogV3(endpoints, project.id) } : {}),
          }),
    },
  }
}

/** The body of a v2.0 token: the book's access document (chapter 3). */
export function accessV2(live: LiveToken, endpoints: Endpoints) {
  const { claims, user, project, roles } = live
  return {
    access: {
      metadata: { is_admin: 0, roles: roles.map(({ id }) => id) },
      serviceCatalog: project === undefined ? [] : catalogV2(endpoints, project.id),
      token: {
        audit_ids: claims.auditIds,
        expires: `${new Date(claims.expiresAt).toISOString().slice(0, 19)}Z`,
        id: live.token,
        issued_at: precise(claims.issuedAt).slice(0, -1),
        ...(project === undefined ? {} : { tenant: tenantV2(project) }),
      },
      user: {
        id: user.id,
        name: user.name,
        roles: roles.map(({ name }) => ({ name })),
        roles_links: [],
        username: user.name,
      },
    },
  }
}

export const tenantV2 = (project: ProjectRecord) => ({
  description: project.description === '' ? null : project.description,
  enabled: project.enabled,
  id: project.id,
  name: project.name,
  parent_id: null,
})
