import { phases } from '../../phases/phases.ts'
import { makePlan, type Plan } from '../../phases/plan.ts'
import { lockedVariables } from '../lock/locked-sources.ts'
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
    privilege: { kind: 'root' },
    aptProxy: undefined,
    version,
    steps: [],
    hits: [],
    cache: undefined,
    oldLists: false,
    generatedIn: undefined,
    inputEnvironment: prepared.lock === undefined ? {} : lockedVariables(prepared.lock, request.callerEnv),
  })
  const { facts } = prepared
  const packages = request.packages.join(' ')
  return makePlan({
    elements: prepared.elements,
    hooks: prepared.hooks,
    environment: { ...baseEnvironment(job), DIB_DEFAULT_INSTALLTYPE: request.installType },
    arch: request.arch,
    requested: request.named,
    inputs: {
      layout: prepared.blockDevice.yaml,
      ...(request.rootLabel === undefined ? {} : { 'root label': request.rootLabel }),
      ...facts.start,
    },
    stepInputs: (destination) => ({
      ...facts.inputs[destination],
      ...(packages !== '' && AFTER_PACKAGES.some((phase) => destination.startsWith(`${phase}/`))
        ? { 'packages of -p': packages }
        : {}),
    }),
  })
}

/** Phases that find the packages of `-p` installed. */
const AFTER_PACKAGES = phases.map(({ name }) => name).filter((_, at, all) => at > all.indexOf('install.d'))
