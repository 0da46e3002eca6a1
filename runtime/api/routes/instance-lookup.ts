import type { FastifyRequest } from 'fastify'
import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ApiDeps } from '../deps.ts'
import { linksFor } from '../frame/links.ts'
import type { ViewContext } from '../views/instance.ts'

/** Path parameters of the routes of one instance. */
export interface InstanceParams {
  readonly tenant_id: string
  readonly id: string
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whether a text can be the id of an object at all; a name is looked for by clients themselves (contract §2.2 point 5). */
export const isObjectId = (text: string) => UUID.test(text)

/**
 * The instance that the URL names, of the caller's own project.
 *
 * @throws CofferError NOT_FOUND, also for what belongs to someone else
 */
export async function instanceOf(request: FastifyRequest, deps: ApiDeps): Promise<InstanceRecord> {
  const { id } = request.params as InstanceParams
  const found = isObjectId(id)
    ? await deps.db.instances.get(id, { tenantId: request.auth.projectId })
    : undefined
  if (found === undefined) throw fault('NOT_FOUND', { uuid: id })
  return found
}

/** What the views of this request's answer share. */
export function viewContext(request: FastifyRequest, deps: ApiDeps): ViewContext {
  return {
    links: linksFor(request, deps.settings),
    now: deps.clock.now(),
    heartbeatExpiry: deps.settings.agentHeartbeatExpiry,
    region: deps.settings.region,
    isAdmin: request.auth.isAdmin,
  }
}
