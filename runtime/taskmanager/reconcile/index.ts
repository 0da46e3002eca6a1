import { pause } from '../flow/wait.ts'
import { journaledIds } from '../resources.ts'
import type { Services } from '../services.ts'
import { act } from './act.ts'
import { compare, suspects } from './compare.ts'
import { keepHouse } from './housekeeping.ts'
import { openPatience, type Patience } from './patience.ts'
import type { Action, History } from './types.ts'

/** Passes between two rounds of housekeeping. */
const HOUSEKEEPING_EVERY = 10

/** Compares and acts, at once and then at every interval, until the signal. Never throws: a failed pass is told and repeated. */
export async function startReconciler(services: Services, signal: AbortSignal): Promise<void> {
  const { clock, log, timings } = services
  const patience = openPatience(timings.graceMs)
  for (let pass = 0; !signal.aborted; pass++) {
    try {
      await reconcile(services, patience, signal)
      if (pass % HOUSEKEEPING_EVERY === 0) await keepHouse(services)
    } catch (error) {
      log.error({ err: error }, 'What is wanted and what is there could not be compared; trying again')
    }
    await pause(clock, timings.reconcileMs, signal).catch(() => undefined)
  }
}

/** One pass. @returns what was done */
export async function reconcile(
  services: Services,
  patience: Patience,
  signal: AbortSignal,
): Promise<readonly Action[]> {
  const { db, compute, admin, clock, log } = services
  // Seen before wanted: what is made in between is then wanted and not seen, which removes nothing.
  const seen = {
    servers: await compute.listServers(),
    volumes: await compute.listVolumes(),
    guests: await admin.listGuests(),
  }
  const instances = await db.instances.living()
  const histories = new Map<string, History>()
  for (const id of suspects(instances, seen)) histories.set(id, await historyOf(services, id))
  const due = patience.due(compare({ instances, histories }, seen, clock.now()), clock.now())
  for (const action of due) {
    if (signal.aborted) break
    await act(action, services).catch((error: unknown) => {
      log.warn(
        { err: error, action: action.do, finding: action.key },
        'What was found could not be set right',
      )
    })
  }
  return due
}

async function historyOf({ db }: Services, instanceId: string): Promise<History> {
  const tasks = await db.tasks.ofInstance(instanceId)
  const row = await db.instances.get(instanceId, { deleted: true })
  return {
    tasks: tasks.toSorted((a, b) => a.created.getTime() - b.created.getTime()),
    ...(await journaledIds(db, instanceId)),
    isDeleted: row?.deleted === true,
  }
}
