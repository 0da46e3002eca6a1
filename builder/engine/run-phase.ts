import { mkdir, stat, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { exists } from '../../lib/path-kind.ts'
import { writeHooks } from '../../phases/hooks.ts'
import { installTypeLinks } from '../../phases/install-types.ts'
import { type PhaseName, phaseNamed } from '../../phases/phases.ts'
import { profileTable } from '../../phases/profile.ts'
import { listEnvironmentFiles, listScripts } from '../../phases/run-parts-listing.ts'
import type { CacheStep } from '../cache/types.ts'
import { breakAt } from './breaks.ts'
import { type Build, baseHooks } from './build.ts'
import { renewLists } from './package-lists.ts'
import { inPlace, type Place, runScript, sourceEnvironment } from './script.ts'
import { IN_TARGET, type Stage } from './stage.ts'
import type { TreeSteps } from './tree-steps.ts'

/**
 * Runs one phase: its scripts in order, each on its own, in the chroot or beside it (DIB contract §1.4, §1.5). Those whose
 * results are in the cache are taken from there.
 *
 * @throws CofferError `SCRIPT_FAILED` with the script's own exit status
 */
export async function runPhase(build: Build, steps: TreeSteps, name: PhaseName): Promise<void> {
  const phase = phaseNamed(name)
  const { hooks, mount: root, built } = build.job.directories
  const { planned, cached } = steps.upcoming(name)
  if (cached === planned.length && !steps.running()) {
    await steps.restore(name)
    return reportCached(build, name, planned)
  }
  const inside = phase.side === 'inside'
  const stage = {
    at: name === 'block-device.d' ? built : root,
    chroot: !['root.d', 'block-device.d'].includes(name),
    hooksInside: inside,
  }
  await steps.enter(stage)
  const here = (await stat(`${hooks}/${name}`).catch(() => undefined))?.isDirectory() === true
  const place: Place = { chroot: inside ? root : undefined }
  const short = name.replace(/\.d$/, '')
  if (inside && !here) return
  await breakAt(build, `before-${short}`, place)
  const phaseRun: PhaseRun = {
    name,
    stage,
    place,
    planned,
    cached,
    hooksAsSeen: inside ? IN_TARGET : hooks,
    extra: phase.targetRoot ? { TARGET_ROOT: root } : {},
  }
  try {
    if (here) await runParts(build, steps, phaseRun)
  } catch (error) {
    // Of the phases outside, DIB offers a shell after an error in this one only.
    if (inside || name === 'block-device.d') await breakAt(build, 'after-error', place)
    throw error
  }
  await breakAt(build, `after-${short}`, place)
}

interface PhaseRun {
  readonly name: PhaseName
  readonly stage: Stage
  readonly place: Place
  /** What the plan says of the phase, and how many of these steps came from the cache. */
  readonly planned: readonly CacheStep[]
  readonly cached: number
  readonly hooksAsSeen: string
  readonly extra: Readonly<Record<string, string>>
}

function reportCached(build: Build, name: PhaseName, planned: readonly CacheStep[]): void {
  if (planned.length === 0) return
  build.emit({ event: 'phase-started', phase: name, scripts: planned.length })
  for (const step of planned) sayCached(build, name, step)
  build.emit({ event: 'phase-finished', phase: name, seconds: 0 })
}

function sayCached(build: Build, phase: PhaseName, step: CacheStep): void {
  build.print(`dib-run-parts ${phase}/${step.name} comes from the cache`)
  build.emit({ event: 'script-cached', phase, script: step.name, element: step.element })
}

/**
 * What all files of hooks are dated, in seconds since 1970: scripts copy some with their dates, and those of elements are
 * when somebody checked them out. The second day of 1980, because a zip archive holds none before.
 */
const HOOKS_DATE = 315_619_200

/** Flattens the elements into one directory before the first phase (DIB contract §1.3). */
export async function writeBaseHooks(build: Build): Promise<void> {
  const base = baseHooks(build)
  await writeHooks(build.job.hooks, base, HOOKS_DATE)
  await run(['cp', '--', new URL('../bin/dib-run-parts', import.meta.url).pathname, `${base}/dib-run-parts`])
}

/** Writes the environment file that carries the install type (DIB contract §1.1 step 13). */
export async function writeInstallType(build: Build, steps: TreeSteps): Promise<void> {
  await steps.leave()
  const mounted = await exists(`${build.job.directories.hooks}/dib-run-parts`)
  const directory = `${mounted ? build.job.directories.hooks : baseHooks(build)}/environment.d`
  await mkdir(directory, { recursive: true })
  const type = build.job.request.installType.replace(/[^A-Za-z0-9_-]/g, '')
  await writeFile(
    `${directory}/11-dib-install-type.bash`,
    `export DIB_DEFAULT_INSTALLTYPE=\${DIB_DEFAULT_INSTALLTYPE:-"${type}"}\n`,
  )
}

async function runParts(build: Build, steps: TreeSteps, phase: PhaseRun): Promise<void> {
  const { name, place, hooksAsSeen } = phase
  const { hooks } = build.job.directories
  const started = performance.now()
  const say = (line: string) => build.print(`dib-run-parts ${line}`)
  const listing = await listScripts(`${hooks}/${name}`, { regex: build.env.RUN_PARTS_REGEX })
  for (const [what, files] of [
    ['non-executable files', listing.notExecutable],
    ['non-conforming filenames', listing.notConforming],
  ] as const) {
    if (files.length > 0 && build.job.request.trace > 0) say(`Ignoring ${what}: ${files.join(' ')}`)
  }
  if (listing.run.join('/') !== phase.planned.map((step) => step.name).join('/'))
    steps.freeze(`an element changed the scripts of ${name} while the build ran`)
  build.emit({ event: 'phase-started', phase: name, scripts: listing.run.length })
  const files = await listEnvironmentFiles(`${hooks}/environment.d`)
  const env = await sourceEnvironment(
    files.map((file) => `${hooksAsSeen}/${name}/../environment.d/${file}`),
    place,
    { ...build.env, ...phase.extra },
    build.print,
  )
  // Only now: a phase runs what was in its directory, in the environment that was there, when it began.
  await steps.restore(name)
  for (const step of phase.planned.slice(0, phase.cached)) sayCached(build, name, step)
  await steps.enter(phase.stage)
  await renewLists(build, place)
  const rows: { script: string; seconds: number }[] = []
  for (const script of listing.run.slice(phase.cached)) {
    const { element } = originOf(build, name, script)
    await steps.enter(phase.stage)
    say(`Running ${hooksAsSeen}/${name}/${script}`)
    build.emit({ event: 'script-started', phase: name, script, element })
    const assignments: string[] = []
    const result = await runScript(`${hooksAsSeen}/${name}/${script}`, place, env, (line, stream) => {
      build.print(line)
      if (stream === 'stdout' && name === 'block-device.d') assignments.push(line)
    })
    build.emit({
      event: 'script-finished',
      phase: name,
      script,
      element,
      seconds: result.seconds,
      status: result.status,
    })
    if (result.status !== 0)
      throw scriptFailed(build, name, script, element, result.status, hooksAsSeen, place)
    if (adoptBlockDevice(build, assignments)) steps.freeze(`${name}/${script} brought a block device`)
    const step = phase.planned.find((candidate) => candidate.name === script)
    if (step !== undefined) await steps.finish(step, result.seconds, env)
    say(`${script} completed`)
    rows.push({ script, seconds: result.seconds })
  }
  for (const line of profileTable(name, rows)) say(line)
  build.emit({ event: 'phase-finished', phase: name, seconds: (performance.now() - started) / 1000 })
}

/** The legacy way for an element to supply a device: it prints the assignment (DIB contract §1.1 step 22). */
function adoptBlockDevice(build: Build, lines: readonly string[]): boolean {
  const device = lines
    .map((line) => /IMAGE_BLOCK_DEVICE=["']?(\/dev\/[A-Za-z0-9/_.-]+)/.exec(line)?.[1])
    .findLast((found) => found !== undefined)
  if (device !== undefined) build.env.IMAGE_BLOCK_DEVICE = device
  return device !== undefined
}

/** Where a script of the flattened hooks comes from; install types link scripts into install.d while the build runs. */
function originOf(
  build: Build,
  phase: string,
  script: string,
): { element: string; source: string | undefined } {
  const destination = `${phase}/${script}`
  const own = build.job.hooks.find((file) => file.destination === destination)
  if (own !== undefined) return { element: own.element, source: own.source }
  const environment = { DIB_DEFAULT_INSTALLTYPE: build.job.request.installType, ...build.env }
  const link = installTypeLinks(build.job.hooks, environment).find(
    (candidate) => candidate.destination === destination,
  )
  return { element: link?.element ?? 'unknown', source: undefined }
}

function scriptFailed(
  build: Build,
  phase: PhaseName,
  script: string,
  element: string,
  status: number,
  hooksAsSeen: string,
  place: Place,
): CofferError {
  const { source } = originOf(build, phase, script)
  const stage = phase.replace(/\.d$/, '')
  const shell = place.chroot === undefined ? `break=before-${stage}` : 'break=after-error'
  const start = inPlace(place, {})
  return new ScriptFailure(
    { phase, script, element },
    `${phase}/${script} of element ${element} failed with status ${status}${source === undefined ? '' : ` (${source})`}`,
    status,
    `Run the same command again with \`${shell}\` in the environment to get a shell there; the script is then repeated with: ${[...start.prefix.filter((word) => word !== '--'), `${hooksAsSeen}/${phase}/${script}`].join(' ')}`,
  )
}

/** A script that failed, and where it stands. */
export class ScriptFailure extends CofferError {
  readonly where: { readonly phase: string; readonly script: string; readonly element: string }

  constructor(where: ScriptFailure['where'], message: string, exitCode: number, hint: string) {
    super('SCRIPT_FAILED', message, { exitCode, hint })
    this.where = where
  }
}
