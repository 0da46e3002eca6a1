import { makePlan, type Plan, renderPlan } from '../../phases/plan.ts'
import { lockedVariables } from '../lock/locked-sources.ts'
import { formatOf } from '../output/index.ts'
import { baseEnvironment } from './base-environment.ts'
import { makeJob } from './job.ts'
import type { PreparedBuild } from './prepare.ts'

/** The plan of a prepared build. Directories that are made anew for each build carry their variable's name instead. */
export function planOf(prepared: PreparedBuild, version: string): Plan {
  const { request } = prepared
  const job = makeJob(prepared, {
    build: '$TMP_BUILD_DIR',
    image: '$TMP_IMAGE_DIR',
    tmpfs: request.useTmpfs,
    aptProxy: undefined,
    version,
    inputEnvironment: prepared.lock === undefined ? {} : lockedVariables(prepared.lock, request.callerEnv),
  })
  return makePlan({
    elements: prepared.elements,
    hooks: prepared.hooks,
    environment: { ...baseEnvironment(job), DIB_DEFAULT_INSTALLTYPE: request.installType },
    arch: request.arch,
    requested: request.named,
    inputs: { packages: request.packages.join(' '), layout: prepared.blockDevice.yaml },
  })
}

/** What `--explain` prints: the plan, then how the disk will be written. */
export function explain(prepared: PreparedBuild, version: string): string {
  const { request, loopReason, blockDevice } = prepared
  const mode =
    loopReason === undefined ? 'written as a file, no loop device' : `through loop devices: ${loopReason}`
  const outputs = request.types
    .map((type) => `${request.imageName}.${formatOf(type).suffix ?? type}`)
    .join(' ')
  return `${renderPlan(planOf(prepared, version)).trimEnd()}

Disk
  layout   ${blockDevice.source}
  mode     ${mode}
  outputs  ${outputs}
`
}
