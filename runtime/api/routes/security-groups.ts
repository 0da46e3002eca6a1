import { randomUUID } from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { SecurityGroupRow, SecurityGroupRuleRow } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { linkHost } from '../frame/links.ts'
import { apiTime } from '../frame/time.ts'
import { gone, securityGroupAnswers } from '../schemas/answers.ts'
import { uuid } from '../schemas/values.ts'
import { isObjectId } from './instance-lookup.ts'
import { enqueue, nudge } from './tasks.ts'

const ruleBody = {
  type: 'object',
  required: ['security_group_rule'],
  properties: {
    security_group_rule: {
      type: 'object',
      required: ['group_id', 'cidr'],
      properties: { group_id: uuid, cidr: { type: 'string', minLength: 9, maxLength: 18 } },
    },
  },
  examples: [
    { security_group_rule: { group_id: '9a2b1f6e-38a5-4bd1-9d68-4f0f4cf3a0d1', cidr: '10.0.0.0/8' } },
  ],
} as const

/** Rules of one group, as many as Neutron's own default: every one is applied anew at each change of a group. */
const MOST_RULES = 100

/** @throws CofferError QUOTA_EXCEEDED */
function requireRoom({ rules }: SecurityGroupRow, more: number): void {
  if (rules.length + more > MOST_RULES) throw fault('QUOTA_EXCEEDED', { overs: "['security_group_rules']" })
}

function requireCidr(cidr: string): string {
  const [address = '', bits = ''] = cidr.split('/')
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
    throw fault('BAD_REQUEST', { reason: `'${cidr}' is not a valid range of IPv4 addresses.` })
  return cidr
}

function groupView(group: SecurityGroupRow, request: FastifyRequest, deps: ApiDeps) {
  // This family's links follow the request's own scheme, unlike all others (contract §1.9).
  const base = `${request.protocol}://${linkHost(request, deps.settings)}/v1.0/${group.tenant_id}`
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    instance_id: group.instance_id,
    rules: group.rules.map(({ id, protocol, from_port, to_port, cidr }) => ({
      id,
      protocol,
      from_port,
      to_port,
      cidr,
    })),
    links: [{ rel: 'self', href: `${base}/security-groups/${group.id}` }],
    created: apiTime(group.created),
    updated: apiTime(group.updated),
  }
}

async function groupOf(id: string, request: FastifyRequest, deps: ApiDeps): Promise<SecurityGroupRow> {
  const found = isObjectId(id) ? await deps.db.securityGroups.get(id, request.auth.projectId) : undefined
  if (found === undefined) throw fault('NOT_FOUND', { uuid: id })
  return found
}

/** A rule for each range of ports that the datastore listens on. */
async function rulesFor(
  group: SecurityGroupRow,
  cidr: string,
  deps: ApiDeps,
): Promise<SecurityGroupRuleRow[]> {
  const instance = await deps.db.instances.get(group.instance_id)
  if (instance === undefined) throw fault('NOT_FOUND', { uuid: group.instance_id })
  const { tcpPorts, udpPorts } = deps.settings.datastore(instance.datastore_manager)
  const ports = [
    ...tcpPorts.map((range) => ({ ...range, protocol: 'tcp' })),
    ...udpPorts.map((range) => ({ ...range, protocol: 'udp' })),
  ]
  const created = deps.clock.now()
  return ports.map(({ protocol, from, to }) => ({
    id: randomUUID(),
    group_id: group.id,
    protocol,
    from_port: from,
    to_port: to,
    cidr,
    created,
  }))
}

/** Which addresses reach an instance (Trove contract §1.9; routes of the book's time). */
export const securityGroupRoutes: Routes = (app, deps) => {
  const tags = ['security groups']

  /** The rows are what is wanted; the task manager makes the server's ports follow. */
  const apply = async (
    request: FastifyRequest,
    instanceId: string,
    change: (db: ApiDeps['db']) => Promise<void>,
  ) => {
    await deps.db.transaction(async (inside) => {
      await change(inside)
      const owner = { id: instanceId, tenant_id: request.auth.projectId }
      await enqueue(inside, request, deps, 'apply_security_rules', owner, {})
    })
    nudge(request, deps)
  }

  app.get(
    '/security-groups',
    { schema: { summary: 'List security groups', tags, response: securityGroupAnswers.list } },
    async (request) => {
      const groups = await deps.db.securityGroups.list(request.auth.projectId)
      return { security_groups: groups.map((group) => groupView(group, request, deps)) }
    },
  )
  app.get(
    '/security-groups/:id',
    { schema: { summary: 'Show a security group', tags, response: securityGroupAnswers.one } },
    async (request) => {
      const { id } = request.params as { readonly id: string }
      return { security_group: groupView(await groupOf(id, request, deps), request, deps) }
    },
  )
  app.post(
    '/security-group-rules',
    {
      schema: {
        summary: 'Let a range of addresses in',
        tags,
        response: securityGroupAnswers.rules,
        body: ruleBody,
      },
    },
    async (request, reply) => {
      const { security_group_rule: wanted } = request.body as {
        readonly security_group_rule: { readonly group_id: string; readonly cidr: string }
      }
      const group = await groupOf(wanted.group_id, request, deps)
      const rules = await rulesFor(group, requireCidr(wanted.cidr), deps)
      await apply(request, group.instance_id, async (inside) => {
        // Read again: another request may have filled it.
        const now = await inside.securityGroups.get(group.id, request.auth.projectId)
        if (now === undefined) throw fault('NOT_FOUND', { uuid: group.id })
        requireRoom(now, rules.length)
        await inside.securityGroups.addRules(rules)
      })
      const views = rules.map(({ group_id, created, ...rule }) => ({
        ...rule,
        security_group_id: group_id,
        created: apiTime(created),
      }))
      // A list, one for each range of ports (contract §1.9).
      return reply.code(201).send({ security_group_rule: views })
    },
  )
  app.delete(
    '/security-group-rules/:id',
    { schema: { summary: 'Take a rule away', tags, response: gone } },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string }
      const rule = isObjectId(id)
        ? await deps.db.securityGroups.getRule(id, request.auth.projectId)
        : undefined
      if (rule === undefined) throw fault('NOT_FOUND', { uuid: id })
      const group = await groupOf(rule.group_id, request, deps)
      await apply(request, group.instance_id, (inside) => inside.securityGroups.deleteRule(id))
      return reply.code(204).send()
    },
  )
}
