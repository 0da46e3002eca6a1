import { randomUUID } from 'node:crypto'
import type { SecurityRule } from '../../compute/types.ts'
import type { Database } from '../../db/types.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import { textOf } from '../flow/data.ts'
import type { Step } from '../flow/types.ts'

/** A security group of the instance's own: one rule for each port range of its datastore (contract §3.7 Create). */
export const securityGroup: Step<CreateInstanceArgs> = {
  name: 'security group created',
  deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
  choose: () => ({ groupId: randomUUID() }),
  async run({ services, task, data, args }) {
    const { db, settings, clock } = services
    if (!settings.securityGroupsSupport) return undefined
    if ((await db.securityGroups.ofInstance(task.instanceId)) !== undefined) return undefined
    const groupId = textOf(data, 'groupId')
    const { tcpPorts, udpPorts } = settings.datastore(args.datastore.manager)
    const created = clock.now()
    const rule = (protocol: string) => (ports: { readonly from: number; readonly to: number }) => ({
      id: randomUUID(),
      group_id: groupId,
      protocol,
      from_port: ports.from,
      to_port: ports.to,
      cidr: settings.securityGroupRuleCidr,
      created,
    })
    await db.securityGroups.create({
      id: groupId,
      name: `${settings.securityGroupNamePrefix}_${task.instanceId}`,
      description: `Security Group for ${task.instanceId}`,
      tenant_id: task.tenantId,
      instance_id: task.instanceId,
      created,
      updated: created,
      rules: [...tcpPorts.map(rule('tcp')), ...udpPorts.map(rule('udp'))],
    })
    return undefined
  },
  async undo({ services, task }) {
    await services.db.securityGroups.deleteOfInstance(task.instanceId)
  },
  onFailure: () => 'BUILDING_ERROR_SEC_GROUP',
}

/** The rules that a server of this instance starts with. */
export async function securityRules(
  db: Pick<Database, 'securityGroups'>,
  instanceId: string,
): Promise<readonly SecurityRule[]> {
  const group = await db.securityGroups.ofInstance(instanceId)
  return (group?.rules ?? []).map((rule) => ({
    protocol: rule.protocol === 'udp' ? 'udp' : rule.protocol === 'icmp' ? 'icmp' : 'tcp',
    fromPort: rule.from_port,
    toPort: rule.to_port,
    cidr: rule.cidr,
  }))
}
