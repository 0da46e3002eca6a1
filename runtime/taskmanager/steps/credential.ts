import { randomBytes } from 'node:crypto'
import type { Step, StepContext } from '../flow/types.ts'

const SECRET_BYTES = 32

/**
 * Gives the guest a queue, a credential and rights of its own. The secret is kept sealed in the instance's row before the
 * transport learns of it, so that a repeated step hands out the same one.
 */
export function guestCredential<Args>(): Step<Args> {
  return {
    name: 'guest credential created',
    deadlineMs: ({ settings }) => settings.agentCallHighTimeout * 1000,
    async run(context) {
      const secret = await guestSecret(context)
      await context.services.admin.createGuest(context.task.instanceId, secret)
      return undefined
    },
    async undo({ services, task }) {
      await services.db.instances.update(task.instanceId, { encrypted_key: null })
      await services.admin.deleteGuest(task.instanceId)
    },
    onFailure: () => 'BUILDING_ERROR_SERVER',
  }
}

/** The guest's transport secret; made at the first call. */
export async function guestSecret<Args>({ instance, services, task }: StepContext<Args>): Promise<string> {
  const { encrypted_key: kept } = await instance()
  if (kept !== null) return services.seal.open(kept)
  const secret = randomBytes(SECRET_BYTES).toString('hex')
  await services.db.instances.update(task.instanceId, { encrypted_key: services.seal.seal(secret) })
  return secret
}
