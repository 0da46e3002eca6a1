import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import { run } from '../../../lib/exec.ts'
import { removeTree } from '../../../lib/tree.ts'
import { connectTransport } from '../../transport/index.ts'
import { reasonOf, silentLog } from '../../transport/log.ts'
import { configurationOf } from '../configuration.ts'
import { writeEngineFiles } from '../engine-files.ts'
import { readImageFacts } from '../image-facts.ts'
import { loadTheRest } from '../main.ts'
import { managerEntry } from '../managers/index.ts'
import { systemdService } from '../service/systemd.ts'
import { openState } from '../state.ts'
import { selfSigned } from '../tls/self-signed.ts'
import { copyData } from '../volume/data-move.ts'
import { noVolume } from '../volume/volume-control.ts'

/** More than it ever takes, also where everything is emulated. */
const PATIENCE_MS = 60_000

/** Nobody listens there, and nothing is sent. */
const NOWHERE = 'coffer://guest:rehearsal:00@127.0.0.1:1'

/**
 * Goes through a start of the agent, without a control plane and without touching the machine, and ends the process. What
 * V8 had to compile for this is then kept (start.cjs of element guest-agent), and spared to the start in a guest. Run once
 * while an image is built; when it fails the image is as good, and slower to start.
 */
export async function rehearse(agentVersion: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-rehearsal.'))
  try {
    const late = systemClock.sleep(PATIENCE_MS).then(() => Promise.reject(new Error('it took too long')))
    await Promise.race([play(directory, agentVersion), late])
  } catch (error) {
    process.stdout.write(`The agent's start could not be rehearsed to its end: ${reasonOf(error)}\n`)
  }
  await removeTree(directory)
  process.exit(0)
}

/** What is compiled must not depend on how fast this machine is, since images have to be the same: each part is waited for. */
async function play(directory: string, agentVersion: string): Promise<void> {
  const clock = systemClock
  const refused = Promise.withResolvers<void>()
  const log = { ...silentLog, warn: () => refused.resolve() }
  const facts = await readImageFacts()
  const { guestId, reportInterval } = configurationOf([
    `[DEFAULT]\nguest_id = rehearsal\ndatastore_manager = ${facts.name}\n`,
    `[DEFAULT]\ntransport_url = ${NOWHERE}\n[${facts.name}]\nvolume_support = true\ndevice_path = /dev/none\n`,
  ])
  const state = await openState(join(directory, 'state'))
  await state.setInstallation({ stage: 'preparing' })
  const service = { ...systemdService(facts.unit), state: async () => ({ active: '', sub: '', mainPid: 0 }) }
  const host = { guestId, unit: facts.unit, service, volume: noVolume, clock, log }
  const manager = (await managerEntry(facts.name).load())(host)
  const { rpcClient, rpcServer, startAgent } = await loadTheRest()
  const connection = await connectTransport(NOWHERE, { clock, log })
  const client = rpcClient(connection, { name: 'guest', clock, log })
  // It waits for a connection that never comes; the refusal of the first attempt does.
  void startAgent({
    ...{ guestId, agentVersion, reportInterval, manager, service, state, clock, log },
    serve: (queue, options) => rpcServer(connection, queue, options, { clock, log, seen: state.seen }),
    castHeartbeat: (args, signal) => client.cast('trove-conductor', 'heartbeat', { ...args }, { signal }),
  })
  await refused.promise
  const { key, certificate } = await selfSigned(guestId, clock.now())
  const files = [{ path: join(directory, 'from', 'key'), content: key + certificate }]
  await writeEngineFiles(files, directory)
  await copyData(join(directory, 'from'), join(directory, 'state'))
  await run(['true'])
  // Loads the engine's client too: the engine does not run, and that is all it says.
  await manager.status()
}
