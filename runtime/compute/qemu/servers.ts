import { mkdir, readdir, rename } from 'node:fs/promises'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { removeTree } from '../../../lib/tree.ts'
import { writeConfigDrive } from '../config-drive/config-drive.ts'
import type { SecurityRule, ServerSpec, ServerState } from '../types.ts'
import { drainConsole, tailOf } from './console.ts'
import { checkImage, createOverlay } from './disk.ts'
import { checkMemory } from './host-limits.ts'
import { MOST_VOLUMES } from './launch.ts'
import { BUILDING, isId, serverPaths } from './layout.ts'
import { observe } from './observe.ts'
import { endProcess, isAlive, killAllOf, readIdentity, waitForEnd } from './process.ts'
import { quitMachine, resetMachine } from './qmp/commands.ts'
import { readRecord, type ServerRecord, syncDirectory, writeRecord } from './record.ts'
import { withSession } from './session.ts'
import type { Slots } from './slots.ts'
import { type StartContext, startServer, untilReady } from './start.ts'

/** What the functions here work with. */
export interface ServerContext extends StartContext {
  readonly slots: Slots
  /** User id of slot 0; undefined: QEMU runs as we do. */
  readonly firstUid: number | undefined
  readonly warn: (message: string, fields: object) => void
}

/** How long QEMU may take to flush its disks when it is told to quit, in milliseconds. */
const QUIT_MS = 10_000

/** Makes a server, or goes on with one that was half made; starts it if it does not run. */
export async function createServer(spec: ServerSpec, context: ServerContext): Promise<void> {
  const paths = context.layout.server(spec.id)
  const present = await readRecord<ServerRecord>(paths.record)
  const record = present ?? (await build(spec, context))
  // One that runs may have been started a moment ago, by a process of ours that was killed then.
  if ((await runningProcess(record.id, context)) !== undefined)
    await untilReady(paths, record.id, context.clock)
  else await startServer(record, context)
}

async function build(spec: ServerSpec, context: ServerContext): Promise<ServerRecord> {
  const { layout, network, slots } = context
  const paths = layout.server(spec.id)
  const warning = await checkMemory(spec.flavor.ram)
  if (warning !== undefined) context.warn(warning, { serverId: spec.id, ramMiB: spec.flavor.ram })
  await checkVolumes(spec, context)
  const imageSize = await checkImage(spec.image)
  const slot = await slots.claim(spec)
  try {
    const uid = context.firstUid === undefined ? undefined : context.firstUid + slot
    await network.checkRules(spec.rules, uid)
    const { address, mac, card } = network.place(slot)
    const record: ServerRecord = {
      version: 1,
      ...{ id: spec.id, name: spec.name, instanceId: spec.instanceId, tenantId: spec.tenantId },
      ...{ flavor: spec.flavor, image: spec.image, volumeIds: spec.volumeIds, rules: spec.rules },
      ...{ slot, address, mac, ...(uid === undefined ? {} : { uid }) },
    }
    await removeTree(paths.building)
    await mkdir(paths.building, { recursive: true, mode: 0o700 })
    const building = serverPaths(paths.building)
    // First of all, so that whoever finds the half-made server knows whose it is.
    await writeRecord(building.record, record)
    await createOverlay(building.overlay, spec.image, imageSize, spec.flavor.disk)
    await writeConfigDrive(building.configDrive, {
      identity: { id: spec.id, name: spec.name, hostname: spec.hostname },
      card,
      files: spec.files,
      ...(spec.userData === undefined ? {} : { userData: spec.userData }),
    })
    await rename(paths.building, paths.directory)
    await syncDirectory(layout.instances)
    return record
  } catch (error) {
    await removeTree(paths.building)
    await slots.free(spec.id)
    throw error
  }
}

async function checkVolumes({ id, volumeIds }: ServerSpec, context: ServerContext): Promise<void> {
  if (volumeIds.length > MOST_VOLUMES) {
    throw new CofferError(
      'TOO_MANY_VOLUMES',
      `A server can have ${MOST_VOLUMES} volumes, not ${volumeIds.length}`,
    )
  }
  for (const volumeId of volumeIds) {
    if ((await readRecord(context.layout.volume(volumeId).record)) === undefined) {
      throw new CofferError('VOLUME_NOT_FOUND', `There is no volume ${volumeId}`)
    }
    const [user] = (await usersOf(volumeId, context)).filter((other) => other !== id)
    if (user === undefined) continue
    throw new CofferError('VOLUME_IN_USE', `Volume ${volumeId} belongs to server ${user}`, {
      hint: 'Delete the server first.',
      retryable: true,
    })
  }
}

/** Ids of the servers that a volume belongs to, half-made ones included. */
export async function usersOf(volumeId: string, context: Pick<ServerContext, 'layout'>): Promise<string[]> {
  const records = await allRecords(context)
  return records.filter(({ volumeIds }) => volumeIds.includes(volumeId)).map(({ id }) => id)
}

/** A server's state, seen now. */
export async function getServer(id: string, context: ServerContext): Promise<ServerState | undefined> {
  const paths = context.layout.server(id)
  const record = await readRecord<ServerRecord>(paths.record)
  if (record !== undefined) return observe(paths, record, context.clock)
  const half = await readRecord<ServerRecord>(serverPaths(paths.building).record)
  const known = half ?? (await context.slots.list()).find((slot) => slot.id === id)
  if (known === undefined) return undefined
  const { instanceId, name } = known
  return { id, instanceId, name, status: 'BUILD', addresses: [] }
}

/** All servers, half-made ones included. */
export async function listServers(context: ServerContext): Promise<readonly ServerState[]> {
  const slots = await context.slots.list()
  const ids = new Set([...(await serverIds(context)), ...slots.map(({ id }) => id)])
  const states = await Promise.all([...ids].map((id) => getServer(id, context)))
  return states.filter((state) => state !== undefined)
}

/** Ends a server and removes all it had. Its address is given away last, when nothing uses it any more. */
export async function deleteServer(id: string, context: ServerContext): Promise<void> {
  const { layout, network, slots, clock } = context
  const paths = layout.server(id)
  const record =
    (await readRecord<ServerRecord>(paths.record)) ??
    (await readRecord<ServerRecord>(serverPaths(paths.building).record))
  const slot = record ?? (await slots.list()).find((holder) => holder.id === id)
  const identity = await runningProcess(id, context)
  if (identity !== undefined) {
    const asked = await withSession(paths, id, quitMachine, 3000).then(
      () => true,
      (error) => error instanceof CofferError && error.code === 'QMP_CLOSED',
    )
    if (!asked || !(await waitForEnd(identity, QUIT_MS, clock))) await endProcess(identity, clock)
  }
  // What it started, such as forwarders, ends with it; this is for what would not.
  if (record?.uid !== undefined) await killAllOf(record.uid)
  if (record !== undefined && (await readRecord(paths.record)) !== undefined) {
    await removeTree(paths.building)
    await rename(paths.directory, paths.building)
  }
  if (slot !== undefined) await network.detach(slot)
  await removeTree(paths.building)
  await removeTree(paths.directory)
  await slots.free(id)
}

/** Presses the reset button; starts a server that does not run. @throws CofferError `SERVER_NOT_FOUND` */
export async function rebootServer(id: string, context: ServerContext): Promise<void> {
  const record = await mustHave(id, context)
  const running = await runningProcess(id, context)
  if (running === undefined) return startServer(record, context)
  await withSession(context.layout.server(id), id, resetMachine)
}

/** The end of what the guest printed; QEMU's own words if the guest printed nothing. */
export async function consoleTail(id: string, bytes: number, context: ServerContext): Promise<string> {
  const paths = context.layout.server(id)
  if ((await runningProcess(id, context)) !== undefined) {
    await withSession(paths, id, (session) => drainConsole(session, paths.console)).catch(
      (error: unknown) => {
        if (!(error instanceof CofferError)) throw error
      },
    )
  }
  const text = await tailOf(paths.console, bytes)
  return text === '' ? tailOf(paths.qemuLog, bytes) : text
}

/** Replaces a server's rules, at once. @throws CofferError `SERVER_NOT_FOUND`, `SECURITY_RULE_INVALID`, `PORT_FORWARD_FAILED` */
export async function setSecurityRules(
  id: string,
  rules: readonly SecurityRule[],
  context: ServerContext,
): Promise<void> {
  const paths = context.layout.server(id)
  const record = { ...(await mustHave(id, context)), rules }
  await context.network.checkRules(rules, record.uid)
  await writeRecord(paths.record, record)
  if ((await runningProcess(id, context)) === undefined) return
  await withSession(paths, id, (session) => context.network.applyRules(record, session))
}

/** The records of all servers, half-made ones included. */
export async function allRecords(context: Pick<ServerContext, 'layout'>): Promise<ServerRecord[]> {
  const records = await Promise.all(
    (await serverIds(context)).map(async (id) => {
      const paths = context.layout.server(id)
      return (
        (await readRecord<ServerRecord>(paths.record)) ??
        (await readRecord<ServerRecord>(serverPaths(paths.building).record))
      )
    }),
  )
  return records.filter((record) => record !== undefined)
}

async function serverIds({ layout }: Pick<ServerContext, 'layout'>): Promise<string[]> {
  const names = await readdir(layout.instances).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  return [...new Set(names.map((name) => name.replace(BUILDING, '')).filter(isId))]
}

/** The server's QEMU process if it runs, be it started by us or by an earlier process of ours. */
async function runningProcess(id: string, { layout }: ServerContext) {
  const identity = await readIdentity(layout.server(id).process)
  return identity !== undefined && (await isAlive(identity)) ? identity : undefined
}

async function mustHave(id: string, { layout }: ServerContext): Promise<ServerRecord> {
  const record = await readRecord<ServerRecord>(layout.server(id).record)
  if (record !== undefined) return record
  throw new CofferError('SERVER_NOT_FOUND', `There is no server ${id}`)
}
