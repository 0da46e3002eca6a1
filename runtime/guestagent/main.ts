import { appendFileSync } from 'node:fs'
import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { reasonOf } from '../transport/log.ts'
import type { Agent } from './agent.ts'
import { workAhead } from './ahead.ts'
import { readConfiguration } from './configuration.ts'
import { tellingConsole } from './console-log.ts'
import { readImageFacts } from './image-facts.ts'
import { journalLog } from './journal-log.ts'
import { absentManager } from './managers/absent.ts'
import type { ManagerHost } from './managers/host.ts'
import { managerEntry } from './managers/index.ts'
import { systemdService } from './service/systemd.ts'
import { openState, STATE_DIRECTORY } from './state.ts'
import type { DatastoreManager } from './types.ts'
import { attachedVolume } from './volume/attached-volume.ts'

/** Time for what runs to end when systemd stops the agent, in milliseconds; its unit waits a little longer. */
const GRACE_MS = 8000

/**
 * The guest agent's process: what systemd starts in a guest. Ends the process by itself when it cannot go on.
 *
 * @param consolePath of the machine's console, which is told the few events that matter there
 */
export async function runAgent(agentVersion: string, consolePath?: string): Promise<void> {
  const open = (options: { readonly debug: boolean }) =>
    tellingConsole(
      journalLog((line) => process.stdout.write(line), options),
      writerTo(consolePath),
    )
  let log = open({ debug: false })
  const die = (error: unknown): never => {
    log.error({ reason: reasonOf(error), ...hintOf(error) }, 'The guest agent cannot go on')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
  try {
    const configuration = await readConfiguration()
    log = open({ debug: configuration.debug })
    log.info({ version: agentVersion }, 'The guest agent starts')
    const [facts, state] = await Promise.all([readImageFacts(), openState(STATE_DIRECTORY)])
    const service = systemdService(facts.unit)
    const { guestId, datastoreManager, reportInterval, volume } = configuration
    const manager = await loadManager(datastoreManager, {
      guestId,
      unit: facts.unit,
      service,
      volume: attachedVolume(),
      clock: systemClock,
      log,
    })
    const ahead = workAhead({ manager, state, volume, log })
    const { connectTransport, rpcClient, rpcServer, startAgent } = await loadTheRest()
    const connection = await connectTransport(configuration.transportUrl, { clock: systemClock, log })
    const client = rpcClient(connection, { name: 'guest', clock: systemClock, log })
    const agent = await startAgent({
      guestId,
      agentVersion,
      reportInterval,
      manager,
      service,
      state,
      ahead,
      serve: (queue, options) =>
        rpcServer(connection, queue, options, { clock: systemClock, log, seen: state.seen }),
      castHeartbeat: (args, signal) =>
        client.cast('trove-conductor', 'heartbeat', { ...args }, { signal, transient: true }),
      clock: systemClock,
      log,
    })
    endOnSignal(agent, () => connection.close())
  } catch (error) {
    die(error)
  }
}

/** What the work ahead does not wait for: on an emulated processor this takes as long as a part of that work. */
export async function loadTheRest() {
  const [transport, rpc, agent] = await Promise.all([
    import('../transport/index.ts'),
    import('../rpc/index.ts'),
    import('./agent.ts'),
  ])
  return { ...transport, ...rpc, ...agent }
}

/** Written at once, since the process may end right after. The console of a virtual machine takes what it is given. */
function writerTo(path: string | undefined): (line: string) => void {
  return (line) => {
    if (path === undefined) return
    try {
      appendFileSync(path, line)
    } catch {
      // A machine without a console has the journal.
    }
  }
}

async function loadManager(name: string, host: ManagerHost): Promise<DatastoreManager> {
  try {
    return (await managerEntry(name).load())(host)
  } catch (error) {
    if (!(error instanceof CofferError)) throw error
    host.log.error({ reason: error.message }, 'There is no manager for this datastore')
    return absentManager(name, error)
  }
}

function endOnSignal(agent: Agent, close: () => Promise<void>): void {
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    // Reports and answers on their way may never arrive: that is the other side's business now.
    const over = () => process.exit(0)
    setTimeout(over, GRACE_MS + 1000).unref()
    agent.stop(GRACE_MS).then(close).then(over, over)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

const hintOf = (error: unknown): object =>
  error instanceof CofferError && error.hint !== undefined ? { hint: error.hint } : {}
