import type { Flavor } from '../../model/flavor.ts'
import type { Services } from '../services.ts'

/** Journals of ended tasks are kept this long: they prove what is ours, and tell what happened. */
const KEEP_TASKS_MS = 30 * 24 * 3_600_000

/** What is done now and then: quotas counted anew, old journals removed. */
export async function keepHouse({ db, compute, clock, log }: Services): Promise<void> {
  const ramOf = ramLookup(await compute.flavors())
  for (const { tenantId, resource, was, is } of await db.quotas.recount(undefined, ramOf)) {
    log.warn({ tenantId, resource, was, is }, 'A quota did not equal what exists; it was counted anew')
  }
  const removed = await db.tasks.prune(new Date(clock.now().getTime() - KEEP_TASKS_MS))
  if (removed > 0) log.info({ tasks: removed }, 'Old tasks were removed')
}

function ramLookup(flavors: readonly Flavor[]): (flavorId: string) => number {
  const ram = new Map(flavors.map((flavor) => [flavor.id, flavor.ram]))
  // A flavor that is gone was given back as nothing by the API too.
  return (flavorId) => ram.get(flavorId) ?? 0
}
