import { CofferError } from '../../../lib/errors.ts'
import type { QuotaResource } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ManageCommand } from './commands.ts'

const RESOURCES: readonly QuotaResource[] = ['instances', 'volumes', 'backups', 'ram']

/** Quotas without the API: for scripts that set a tenant up before the services run. */
export const quotaCommands: readonly ManageCommand[] = [
  {
    name: 'quota_update',
    summary: "Set a tenant's limit of a resource; -1 takes the limit away.",
    positionals: [
      { name: 'tenant_id', help: 'id of the tenant (project)' },
      { name: 'resource', help: `one of ${RESOURCES.join(', ')}` },
      { name: 'limit', help: 'a number; volumes in GB, ram in MB' },
    ],
    run: async ({ argument }, services) => {
      const resource = RESOURCES.find((known) => known === argument('resource'))
      if (resource === undefined)
        throw fault('QUOTA_RESOURCE_UNKNOWN', { unknown: `['${argument('resource')}']` })
      const limit = Number(argument('limit'))
      if (!Number.isSafeInteger(limit) || argument('limit').trim() === '') {
        throw new CofferError('OPTION_VALUE_INVALID', `limit is a whole number, not '${argument('limit')}'`, {
          exitCode: 2,
        })
      }
      if (limit < -1) throw fault('QUOTA_LIMIT_TOO_SMALL', { limit, resource })
      await (await services.database()).quotas.setLimit(argument('tenant_id'), resource, limit)
      return [`Quota '${resource}' of tenant '${argument('tenant_id')}' updated.`]
    },
  },
]
