import type { FastifyRequest } from 'fastify'
import type { QuotaResource } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { Routes } from '../deps.ts'
import { requireAdmin } from '../frame/auth.ts'
import { mgmtAnswers } from '../schemas/answers.ts'
import { quotaDefaults } from './tasks.ts'

const RESOURCES: readonly string[] = ['instances', 'volumes', 'backups', 'ram'] satisfies QuotaResource[]

/** Characters of a project's id, as the database keeps it. */
const LONGEST_TENANT = 64

const updateBody = {
  type: 'object',
  required: ['quotas'],
  properties: {
    quotas: {
      type: 'object',
      minProperties: 1,
      maxProperties: 20,
      additionalProperties: { oneOf: [{ type: 'integer', maximum: 2147483647 }, { type: 'null' }] },
    },
  },
  examples: [{ quotas: { instances: 10 } }],
} as const

const isResource = (name: string): name is QuotaResource => RESOURCES.includes(name)

/** What a project may have (Trove contract §1.9): read as a list, written as an object. */
export const mgmtQuotaRoutes: Routes = (app, deps) => {
  const tags = ['management']
  const onRequest = requireAdmin
  const url = '/mgmt/quotas/:tenant'
  const tenantOf = (request: FastifyRequest) => (request.params as { readonly tenant: string }).tenant

  app.get(
    url,
    { onRequest, schema: { summary: 'Show the quotas of a project', tags, response: mgmtAnswers.quotas } },
    async (request) => {
      const usages = await deps.db.quotas.usages(tenantOf(request), quotaDefaults(deps.settings))
      const quotas = usages.map(({ resource, in_use, reserved, limit }) => ({
        resource,
        in_use,
        reserved,
        limit,
      }))
      return { quotas }
    },
  )
  app.put(
    url,
    {
      onRequest,
      schema: {
        summary: 'Change the quotas of a project',
        tags,
        response: mgmtAnswers.limits,
        body: updateBody,
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      if (tenant.length > LONGEST_TENANT) throw fault('NOT_FOUND', { uuid: tenant })
      const { quotas } = request.body as { readonly quotas: Readonly<Record<string, number | null>> }
      const wanted = Object.entries(quotas).filter((entry): entry is [string, number] => entry[1] !== null)
      const unknown = Object.keys(quotas).filter((name) => !isResource(name))
      if (unknown.length > 0) {
        const names = unknown.sort().map((name) => `'${name}'`)
        throw fault('QUOTA_RESOURCE_UNKNOWN', { unknown: `[${names.join(', ')}]` })
      }
      for (const [resource, limit] of wanted) {
        if (limit < -1) throw fault('QUOTA_LIMIT_TOO_SMALL', { limit, resource })
      }
      await deps.db.transaction(async (inside) => {
        for (const [resource, limit] of wanted) {
          if (isResource(resource)) await inside.quotas.setLimit(tenant, resource, limit)
        }
      })
      return { quotas: Object.fromEntries(wanted) }
    },
  )
}
