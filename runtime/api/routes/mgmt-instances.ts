import type { FastifyRequest } from 'fastify'
import type { InstanceRecord } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import { instanceStatus } from '../../model/instance-status.ts'
import { INSTANCE_TASKS, instanceTask } from '../../model/instance-task.ts'
import { serviceStatusOfCode } from '../../model/service-status.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { requireAdmin } from '../frame/auth.ts'
import { nextLink, pageOf, pageQuery } from '../frame/pagination.ts'
import { apiTime } from '../frame/time.ts'
import { askGuest } from '../guest.ts'
import { accepted, gone, mgmtAnswers, plainAnswer } from '../schemas/answers.ts'
import { actionBody } from '../schemas/instance.ts'
import { plainView } from '../views/guest-objects.ts'
import { instanceDetailView, instanceView, storedFacts, type ViewContext } from '../views/instance.ts'
import { startTask } from './instance-actions.ts'
import { isObjectId, viewContext } from './instance-lookup.ts'
import { isTrue } from './instances.ts'
import { notImplemented } from './not-implemented.ts'
import { NOT_DELETING } from './task-gates.ts'

const listQuery = {
  type: 'object',
  properties: {
    ...pageQuery.properties,
    deleted: { type: 'string' },
    include_clustered: { type: 'string' },
    project_id: { type: 'string' },
  },
} as const

/** What an administrator sees besides (Trove contract §1.11). */
function mgmtFields(record: InstanceRecord) {
  const { compute_instance_id: server, server_status: status, tenant_id } = record
  return {
    tenant_id,
    deleted: record.deleted,
    deleted_at: record.deleted_at === null ? null : apiTime(record.deleted_at),
    service_status: serviceStatusOfCode(record.service_code).apiStatus,
    task_description: instanceTask(record.task_code).description,
    guest_status: { state_description: serviceStatusOfCode(record.service_code).description },
    ...(server === null
      ? {}
      : { server_id: server, server: { id: server, name: record.name, status, tenant_id } }),
  }
}

const mgmtView = (record: InstanceRecord, context: ViewContext) => ({
  ...instanceView(record, context),
  ...mgmtFields(record),
})

/** An instance of whatever project. */
async function anyInstance(request: FastifyRequest, deps: ApiDeps): Promise<InstanceRecord> {
  const { id } = request.params as { readonly id: string }
  const found = isObjectId(id) ? await deps.db.instances.get(id) : undefined
  if (found === undefined) throw fault('NOT_FOUND', { uuid: id })
  return found
}

async function rootHistory(record: InstanceRecord, deps: ApiDeps) {
  return await deps.db.rootHistory.get(record.id)
}

type MgmtAction = (request: FastifyRequest, record: InstanceRecord, deps: ApiDeps) => Promise<void>

const notYet =
  (what: string): MgmtAction =>
  async () => {
    throw notImplemented(`${what} is`)
  }

const ACTIONS: Readonly<Record<string, MgmtAction>> = {
  reboot: async (request, record, deps) => startTask(request, record, deps, 'reboot'),
  stop: async (request, record, deps) => {
    await askGuest(request, deps, record, 'stop_db', { do_not_start_on_reboot: false })
  },
  'reset-task-status': async (_request, record, deps) => {
    const freed = await deps.db.instances.update(
      record.id,
      { task_code: INSTANCE_TASKS.NONE.code },
      NOT_DELETING,
    )
    if (!freed)
      throw fault('INSTANCE_NOT_AVAILABLE', { id: record.id, status: instanceStatus(storedFacts(record)) })
  },
  migrate: notYet('Migrating an instance'),
  rebuild: notYet('Rebuilding an instance'),
}

/** Instances of every project, for administrators (contract §1.11). */
export const mgmtInstanceRoutes: Routes = (app, deps) => {
  const tags = ['management']
  const onRequest = requireAdmin
  const url = '/mgmt/instances'

  app.get(
    url,
    {
      onRequest,
      schema: {
        summary: 'List instances of every project',
        tags,
        response: mgmtAnswers.list,
        querystring: listQuery,
      },
    },
    async (request) => {
      const query = request.query as { readonly [key in keyof typeof listQuery.properties]?: string }
      const page = pageOf(request, deps.settings.instancesPageSize)
      const { records, nextMarker } = await deps.db.instances.list({
        limit: page.limit,
        includeClustered: isTrue(query.include_clustered),
        ...(query.deleted === undefined ? {} : { deleted: isTrue(query.deleted) }),
        ...(query.project_id === undefined ? {} : { tenantId: query.project_id }),
        ...(page.marker === undefined ? {} : { marker: page.marker }),
      })
      const context = viewContext(request, deps)
      return {
        instances: records.map((record) => mgmtView(record, context)),
        ...nextLink(request, deps.settings, page, nextMarker),
      }
    },
  )
  app.get(
    `${url}/:id`,
    { onRequest, schema: { summary: 'Show any instance', tags, response: mgmtAnswers.one } },
    async (request) => {
      const record = await anyInstance(request, deps)
      const root = await rootHistory(record, deps)
      return {
        instance: {
          ...instanceDetailView(record, viewContext(request, deps)),
          ...mgmtFields(record),
          root_enabled: root === undefined ? 'Never' : apiTime(root.created),
          root_enabled_by: root?.user ?? 'Nobody',
        },
      }
    },
  )
  app.post(
    `${url}/:id/action`,
    { onRequest, schema: { summary: 'Act on any instance', tags, response: accepted, body: actionBody } },
    async (request, reply) => {
      const record = await anyInstance(request, deps)
      const [name, ...more] = Object.keys(request.body as object)
      const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
      if (action === undefined || more.length > 0)
        throw fault('BAD_REQUEST', { reason: 'Invalid request body.' })
      await action(request, record, deps)
      return reply.code(202).send()
    },
  )
  app.get(
    `${url}/:id/root`,
    { onRequest, schema: { summary: 'Show who enabled root', tags, response: mgmtAnswers.root } },
    async (request) => {
      const record = await anyInstance(request, deps)
      const root = await rootHistory(record, deps)
      const enabled = root === undefined ? 'Never' : apiTime(root.created)
      return { root_history: { id: record.id, enabled, user: root?.user ?? 'Nobody' } }
    },
  )
  for (const [name, method] of [
    ['hwinfo', 'get_hwinfo'],
    ['diagnostics', 'get_diagnostics'],
  ] as const) {
    app.get(
      `${url}/:id/${name}`,
      { onRequest, schema: { summary: `Ask the guest for its ${name}`, tags, response: plainAnswer(name) } },
      async (request) => {
        const record = await anyInstance(request, deps)
        return { [name]: plainView(await askGuest(request, deps, record, method), method) }
      },
    )
  }
  app.get(
    `${url}/:id/rpc_ping`,
    { onRequest, schema: { summary: 'Ask whether the guest agent answers', tags, response: gone } },
    async (request, reply) => {
      await askGuest(request, deps, await anyInstance(request, deps), 'rpc_ping')
      return reply.code(204).send()
    },
  )
}
