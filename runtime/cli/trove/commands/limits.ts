import type { PositionalSpec } from '../arguments/types.ts'
import { child, isObject, objects } from '../output/fields.ts'
import { resource } from '../service/path.ts'
import type { Command, Json, JsonObject } from './types.ts'
import { wholeNumber } from './words.ts'

const tenantWord: PositionalSpec = { name: 'tenant_id', help: 'Id of the project (tenant).' }

export const limitCommands: readonly Command[] = [
  {
    name: 'limit-list',
    group: 'Limits and quotas',
    help: 'Lists the limits of the project: of what it may have, and of how often it may ask.',
    run: async ({ service, print }) => {
      const limits = objects((await service.get('/limits')).limits)
      const absolute = limits.find(({ verb }) => verb === 'ABSOLUTE')
      if (absolute !== undefined) print.properties(absolute)
      const rates = limits.filter((limit) => limit !== absolute)
      const columns = ['Value', 'Verb', 'Remaining', 'Unit'].map((title) => ({ title }))
      print.list(rates, columns, 'as given')
    },
  },
  {
    name: 'quota-show',
    group: 'Limits and quotas',
    help: 'Shows the quotas of a project and what is in use (administrators).',
    positionals: [tenantWord],
    run: async ({ service, print }, args) => {
      const { quotas } = await service.get(resource('mgmt', 'quotas', args.one('tenant_id')))
      const columns = ['Resource', 'In Use', 'Reserved', 'Limit'].map((title) => ({ title }))
      print.list(quotaRows(quotas), columns)
    },
  },
  {
    name: 'quota-update',
    group: 'Limits and quotas',
    help: 'Changes a quota of a project (administrators).',
    positionals: [
      tenantWord,
      { name: 'resource', help: 'What is limited: instances, volumes or backups.' },
      { name: 'limit', help: 'New limit; -1 for none.' },
    ],
    run: async ({ service, print }, args) => {
      const limit = wholeNumber('<limit>', args.one('limit'))
      const path = resource('mgmt', 'quotas', args.one('tenant_id'))
      print.properties(
        child(await service.put(path, { quotas: { [args.one('resource')]: limit } }), 'quotas'),
      )
    },
  },
]

/** Quotas as a list, also from a service of the book's time, which gives an object (contract §2.5, trap 14). */
function quotaRows(quotas: Json | undefined): readonly JsonObject[] {
  if (!isObject(quotas)) return objects(quotas)
  return Object.entries(quotas).map(([name, limit]) => ({ resource: name, limit }))
}
