import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Accelerator } from '../../../lib/acceleration.ts'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { findProgram } from '../../../lib/find-program.ts'
import { removeTree } from '../../../lib/tree.ts'
import { tailOf } from './console.ts'
import { confine, launch, type RunAs } from './launch.ts'
import type { Layout, ServerPaths } from './layout.ts'
import { qemuCommand } from './machine.ts'
import { forwardFailed } from './network/live-rules.ts'
import type { GuestNetwork } from './network/types.ts'
import { READY_MS } from './observe.ts'
import { isAlive, readIdentity } from './process.ts'
import { queryStatus } from './qmp/commands.ts'
import type { ServerRecord } from './record.ts'
import { withSession } from './session.ts'

/** What a start needs besides the record. */
export interface StartContext {
  readonly layout: Layout
  readonly network: GuestNetwork
  readonly accelerator: () => Promise<Accelerator>
  readonly clock: Clock
}

/**
 * Starts a server that does not run. On return its QEMU runs, confined, and answers.
 *
 * @throws CofferError `QEMU_START_FAILED`, `PORT_FORWARD_FAILED`, `TOOL_MISSING`, `IMAGE_MISSING`
 */
export async function startServer(record: ServerRecord, context: StartContext): Promise<void> {
  const { layout, network, clock } = context
  const paths = layout.server(record.id)
  const accel = await context.accelerator()
  const attachment = await network.attach(record)
  await network.applyRules(record, undefined)
  await makeWorkDirectory(paths, record, attachment.files)
  const command = qemuCommand({
    program: await qemuProgram(),
    id: record.id,
    accel,
    vcpus: vcpusFor(record.flavor.vcpus, accel, cpus().length),
    memoryMiB: record.flavor.ram,
    imageFormat: record.image.format,
    volumes: record.volumeIds,
    mac: record.mac,
    network: attachment.network,
  })
  const [first, ...rest] = [...attachment.enter, ...confine(await runAs(record, accel)), ...command]
  if (first === undefined) throw new Error('a command has at least one word')
  await mustExist(record)
  await launch(
    paths,
    { image: record.image.path, volumes: record.volumeIds.map((id) => layout.volume(id).data) },
    [first, ...rest],
  )
  await untilReady(paths, record.id, clock)
}

/**
 * Processors of a guest. An emulated one is worth a small part of a real one, and two of them start a guest in half the
 * time (measured, guest facts): an emulated guest gets two where the machine has two.
 */
export function vcpusFor(flavor: number, accel: Accelerator, hostCpus: number): number {
  return accel === 'tcg' ? Math.max(flavor, Math.min(2, hostCpus)) : flavor
}

async function makeWorkDirectory(
  paths: ServerPaths,
  { uid }: ServerRecord,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await removeTree(paths.work)
  await mkdir(paths.work, { mode: 0o700 })
  for (const [name, text] of Object.entries(files)) {
    const file = join(paths.work, name)
    await writeFile(file, text)
    // Said again, since our own umask hides everything from the guest's account.
    await chmod(file, 0o644)
  }
  if (uid !== undefined) await chown(paths.work, uid, uid)
}

async function mustExist(record: ServerRecord): Promise<void> {
  try {
    await stat(record.image.path)
  } catch (cause) {
    throw new CofferError(
      'IMAGE_MISSING',
      `The image ${record.image.id} of server ${record.id} is not there`,
      {
        hint: 'Its disk is a layer over the image: put the image back, or delete the server.',
        cause,
      },
    )
  }
}

async function qemuProgram(): Promise<string> {
  const program = await findProgram('qemu-system-x86_64')
  if (program !== undefined) return program
  throw new CofferError(
    'TOOL_MISSING',
    'Virtual machines need QEMU, but qemu-system-x86_64 is not installed',
    {
      hint: 'On Debian: apt-get install qemu-system-x86',
    },
  )
}

/** Under KVM the guest's user also needs the group that owns /dev/kvm. */
async function runAs({ uid }: ServerRecord, accel: Accelerator): Promise<RunAs | undefined> {
  if (uid === undefined) return undefined
  return { uid, groups: accel === 'kvm' ? [(await stat('/dev/kvm')).gid] : [] }
}

/** Waits until a server's QEMU answers. @throws CofferError `QEMU_START_FAILED`, `PORT_FORWARD_FAILED` */
export async function untilReady(paths: ServerPaths, id: string, clock: Clock): Promise<void> {
  let last: unknown
  for (let waited = 0; waited < READY_MS; waited += 50) {
    try {
      await withSession(paths, id, queryStatus)
      return
    } catch (error) {
      if (!(error instanceof CofferError && error.code.startsWith('QMP_'))) throw error
      last = error
    }
    const identity = await readIdentity(paths.process)
    if (identity !== undefined && !(await isAlive(identity))) throw await startFailed(paths, id)
    await clock.sleep(50)
  }
  throw new CofferError('QEMU_START_FAILED', `QEMU of server ${id} does not answer`, {
    hint: 'This machine may be overloaded.',
    retryable: true,
    cause: last,
  })
}

async function startFailed(paths: ServerPaths, id: string): Promise<CofferError> {
  const complaints = (await tailOf(paths.qemuLog, 2000)).trim().split('\n')
  const complaint = complaints.at(-1) ?? ''
  if (/host forwarding rule/.test(complaint)) return forwardFailed(complaint)
  return new CofferError('QEMU_START_FAILED', `QEMU of server ${id} ended at once: ${complaint}`, {
    hint: `All it said is in ${paths.qemuLog}.`,
  })
}
