import { randomUUID } from 'node:crypto'
import { CofferError } from '../../../lib/errors.ts'
import type { ServerState } from '../../compute/types.ts'
import type { CreateInstanceArgs } from '../../model/task-args.ts'
import { textOf } from '../flow/data.ts'
import type { Step, StepContext } from '../flow/types.ts'
import { guestFiles } from '../guest-files.ts'
import type { Services } from '../services.ts'
import { guestSecret } from './credential.ts'
import { securityRules } from './security-group.ts'
import { volume } from './volume.ts'

/** The server, with what its guest agent must know on a config drive. */
export const server: Step<CreateInstanceArgs> = {
  name: 'server created',
  deadlineMs: ({ settings }) => settings.stateChangeWaitTime * 1000,
  choose: () => ({ serverId: randomUUID() }),
  async run(context) {
    const { services, task, data, wait } = context
    const id = textOf(data, 'serverId')
    // Before the server is asked for: whoever looks for what this instance has must find it.
    await services.db.instances.update(task.instanceId, { compute_instance_id: id, server_status: 'BUILD' })
    await services.compute.createServer(await serverSpec(context, id))
    await wait({
      until: 'the server is active',
      hint: 'See the end of its console in the details of the fault, and the log of the compute driver.',
      async probe() {
        const state = await livingServer(services, id)
        return state.status === 'ACTIVE' ? true : undefined
      },
    })
    await rememberServer(services, task.instanceId, id)
    return undefined
  },
  async undo({ services, task, data, wait }) {
    const id = textOf(data, 'serverId')
    // The row first: what no row wants, the reconciler removes should this here fail.
    await services.db.instances.update(task.instanceId, {
      compute_instance_id: null,
      server_status: null,
      addresses: [],
    })
    await services.compute.deleteServer(id)
    await wait(serverGone(services, id))
  },
  onFailure: () => 'BUILDING_ERROR_SERVER',
}

async function serverSpec(context: StepContext<CreateInstanceArgs>, id: string) {
  const { services, task, args, dataOf, instance } = context
  const { db, settings, admin, images } = services
  const { name } = await instance()
  const secret = await guestSecret(context)
  const image = await images.locate(args.imageId)
  const volumeId = dataOf(volume.name)?.volumeId
  return {
    id,
    name,
    instanceId: task.instanceId,
    tenantId: task.tenantId,
    flavor: args.flavor,
    image: { id: args.imageId, path: image.path, format: image.format },
    volumeIds: typeof volumeId === 'string' ? [volumeId] : [],
    files: guestFiles({
      instanceId: task.instanceId,
      tenantId: task.tenantId,
      manager: args.datastore.manager,
      transportUrl: admin.guestUrl(task.instanceId, secret),
      settings,
      hasVolume: args.volumeSize !== null,
    }),
    hostname: hostnameOf(name, task.instanceId),
    rules: await securityRules(db, task.instanceId),
  }
}

/** A host name made from an instance's name: letters, digits and dashes, at most 63 (RFC 1123). */
export function hostnameOf(name: string, instanceId: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return label === '' ? `instance-${instanceId}` : label
}

/** The server, which must be there and not broken. @throws CofferError SERVER_FAILED with the driver's own reason */
export async function livingServer(services: Pick<Services, 'compute'>, id: string): Promise<ServerState> {
  const state = await services.compute.getServer(id)
  if (state === undefined || state.status === 'ERROR' || state.status === 'SHUTDOWN') {
    const reason = state === undefined ? 'it does not exist any more' : (state.reason ?? 'no reason is known')
    throw new CofferError('SERVER_FAILED', `The server does not run: ${reason}`, {
      hint: 'See the end of its console in the details of the fault.',
    })
  }
  return state
}

/** Copies what the driver says of a server to the instance's row, from which the API answers. */
export async function rememberServer(services: Services, instanceId: string, id: string): Promise<void> {
  const state = await services.compute.getServer(id)
  await services.db.instances.update(instanceId, {
    server_status: state?.status ?? 'SHUTDOWN',
    addresses: state?.addresses ?? [],
  })
}

/** Until the driver does not know the server any more. */
export function serverGone(services: Pick<Services, 'compute'>, id: string) {
  return {
    until: 'the server is gone',
    hint: 'See whether the compute driver answers.',
    probe: async () => ((await services.compute.getServer(id)) === undefined ? true : undefined),
  }
}
