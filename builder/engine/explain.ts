import { type PlanStep, renderPlan } from '../../phases/plan.ts'
import { formatOf } from '../output/index.ts'
import { expectedPrivilege } from '../sandbox/root-rights.ts'
import { planOf } from './plan-of.ts'
import type { PreparedBuild } from './prepare.ts'
import { explainHits, stepCacheDirectory, stepsOf } from './step-cache.ts'

/** What `--explain` prints: the plan, with what is in the step cache; then how the disk will be written. */
export async function explain(prepared: PreparedBuild, version: string): Promise<string> {
  const { request, loopReason, blockDevice } = prepared
  const mode =
    loopReason === undefined ? 'written as a file, no loop device' : `through loop devices: ${loopReason}`
  const outputs = request.types
    .map((type) => `${request.imageName}.${formatOf(type).suffix ?? type}`)
    .join(' ')
  const plan = planOf(prepared, version)
  const note = request.stepCache ? await cacheNotes(prepared, version) : () => ''
  return `${renderPlan(plan, note).trimEnd()}

Disk
  layout   ${blockDevice.source}
  mode     ${mode}
  outputs  ${outputs}
`
}

/** For each step whether it comes from the cache, and why the first one does not. */
async function cacheNotes(prepared: PreparedBuild, version: string): Promise<(step: PlanStep) => string> {
  const privilege = await expectedPrivilege()
  if (privilege === undefined) return () => ''
  const directory = stepCacheDirectory(prepared.request.imageCache, privilege)
  const steps = stepsOf(prepared, version)
  const { hits, reason } = await explainHits(directory, steps, prepared.request)
  // Work of the builder between scripts is not shown; the script after it is.
  const shown = steps.findIndex(({ phase }, at) => at >= hits && phase !== 'driver')
  return ({ phase, name }) => {
    const at = steps.findIndex((step) => step.phase === phase && step.name === name)
    if (at < hits) return 'cached'
    return at === shown ? `runs: ${reason}` : 'runs'
  }
}
