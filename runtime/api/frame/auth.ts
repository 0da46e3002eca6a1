import type { FastifyRequest } from 'fastify'
import type { AuthContext, TokenValidator } from '../../identity/types.ts'
import { fault } from '../../model/faults.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route below `/v1.0/{tenant_id}`, before anything else looks at the request. */
    auth: AuthContext
  }
}

/** Path parameters of every route below the tenant. */
export interface TenantParams {
  readonly tenant_id: string
}

/**
 * Finds out who asks, and that the URL is about their own project (contract §1.1).
 *
 * @throws CofferError UNAUTHORIZED, TENANT_MISMATCH; IDENTITY_UNAVAILABLE of the validator
 */
export async function authenticate(request: FastifyRequest, identity: TokenValidator): Promise<void> {
  const token = request.headers['x-auth-token']
  const auth = typeof token === 'string' && token !== '' ? await identity.validate(token) : undefined
  if (auth === undefined) throw fault('UNAUTHORIZED')
  const { tenant_id: tenant } = request.params as TenantParams
  if (auth.projectId !== tenant) throw fault('TENANT_MISMATCH', { tenant: auth.projectId })
  request.auth = auth
}

/** @throws CofferError ADMIN_REQUIRED, which is a 401 since Kilo (contract §1.1) */
export async function requireAdmin(request: FastifyRequest): Promise<void> {
  if (!request.auth.isAdmin) throw fault('ADMIN_REQUIRED')
}
