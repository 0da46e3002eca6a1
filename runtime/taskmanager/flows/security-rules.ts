import type { ApplySecurityRulesArgs } from '../../model/task-args.ts'
import { failureDetails } from '../flow/failure.ts'
import type { Flow } from '../flow/types.ts'
import { securityRules } from '../steps/security-group.ts'

/** Makes the server's reachable ports what the rows of its security group say. The instance's task stays as it is. */
export const applySecurityRules: Flow<ApplySecurityRulesArgs> = {
  kind: 'apply_security_rules',
  steps: [
    {
      name: 'security rules applied',
      deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
      async run({ services, task, instance }) {
        const { compute_instance_id: serverId } = await instance()
        if (serverId === null) return undefined
        await services.compute.setSecurityRules(serverId, await securityRules(services.db, task.instanceId))
        return undefined
      },
    },
  ],
  async failed({ services, task }, failure) {
    await services.db.instances.addFault(task.instanceId, failure.message, failureDetails(failure))
  },
}
