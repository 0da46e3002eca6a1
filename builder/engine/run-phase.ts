import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'
import { mount, unmount } from '../../lib/mount.ts'
import { writeHooks } from '../../phases/hooks.ts'
import { installTypeLinks } from '../../phases/install-types.ts'
import { type PhaseName, phaseNamed } from '../../phases/phases.ts'
import { profileTable } from '../../phases/profile.ts'
import { listEnvironmentFiles, listScripts } from '../../phases/run-parts-listing.ts'
import { breakAt } from './breaks.ts'
import type { Build } from './build.ts'
import { inPlace, type Place, runScript, sourceEnvironment } from './script.ts'

/** Where the hooks appear in the chroot. */
const IN_TARGET = '/tmp/in_target.d'

/**
 * Runs one phase: its scripts in order, each on its own, in the chroot or beside it (DIB contract §1.4, §1.5).
 *
 * @throws CofferError `SCRIPT_FAILED` with the script's own exit status
 */
export async function runPhase(build: Build, name: PhaseName): Promise<void> {
  const phase = phaseNamed(name)
  const { hooks, mount: root } = build.job.directories
  await ensureHooks(build)
  const here = (await stat(`${hooks}/${name}`).catch(() => undefined))?.isDirectory() === true
  const stage = name.replace(/\.d$/, '')
  if (phase.side === 'outside') {
    const place: Place = { chroot: undefined }
    await breakAt(build, `before-${stage}`, place)
    const extra = phase.targetRoot ? { TARGET_ROOT: root } : {}
    try {
      if (here) await runParts(build, name, hooks, place, extra)
    } catch (error) {
      // Of the phases outside, DIB offers a shell after an error in this one only.
      if (name === 'block-device.d') await breakAt(build, 'after-error', place)
      throw error
    }
    await breakAt(build, `after-${stage}`, place)
    return
  }
  if (!here) return
  await withHooksInside(build, async () => {
    const place: Place = { chroot: root }
    await breakAt(build, `before-${stage}`, place)
    try {
      await runParts(build, name, IN_TARGET, place, {})
    } catch (error) {
      await breakAt(build, 'after-error', place)
      throw error
    }
    await breakAt(build, `after-${stage}`, place)
  })
}

/** Flattens the elements into one directory before the first phase (DIB contract §1.3). */
async function ensureHooks(build: Build): Promise<void> {
  const { hooks } = build.job.directories
  if ((await stat(hooks).catch(() => undefined)) !== undefined) return
  await writeHooks(build.job.hooks, hooks, build.job.sourceDate)
}

/** Writes the environment file that carries the install type (DIB contract §1.1 step 13). */
export async function writeInstallType(build: Build): Promise<void> {
  const directory = `${build.job.directories.hooks}/environment.d`
  await mkdir(directory, { recursive: true })
  const type = build.job.request.installType.replace(/[^A-Za-z0-9_-]/g, '')
  await writeFile(
    `${directory}/11-dib-install-type.bash`,
    `export DIB_DEFAULT_INSTALLTYPE=\${DIB_DEFAULT_INSTALLTYPE:-"${type}"}\n`,
  )
}

/** Bind-mounts the hooks read-only into the chroot while `action` runs. */
export async function withHooksInside<T>(build: Build, action: () => Promise<T>): Promise<T> {
  const { hooks, mount: root } = build.job.directories
  const target = `${root}${IN_TARGET}`
  await mkdir(target, { recursive: true })
  await run(['cp', '--', new URL('../bin/dib-run-parts', import.meta.url).pathname, `${hooks}/dib-run-parts`])
  await mount({ source: hooks, target, options: ['bind'] })
  try {
    await mount({ source: hooks, target, options: ['remount', 'ro', 'bind'] })
    return await action()
  } finally {
    await unmount(target, { lazy: true })
    await rm(target, { recursive: false, force: true }).catch(() =>
      run(['rmdir', '--', target], { check: false }),
    )
  }
}

async function runParts(
  build: Build,
  name: PhaseName,
  hooksAsSeen: string,
  place: Place,
  extra: Readonly<Record<string, string>>,
): Promise<void> {
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
  build.emit({ event: 'phase-started', phase: name, scripts: listing.run.length })
  const files = await listEnvironmentFiles(`${hooks}/environment.d`)
  const env = await sourceEnvironment(
    files.map((file) => `${hooksAsSeen}/${name}/../environment.d/${file}`),
    place,
    { ...build.env, ...extra },
    build.print,
  )
  const rows: { script: string; seconds: number }[] = []
  for (const script of listing.run) {
    const { element } = originOf(build, name, script)
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
    adoptBlockDevice(build, assignments)
    say(`${script} completed`)
    rows.push({ script, seconds: result.seconds })
  }
  for (const line of profileTable(name, rows)) say(line)
  build.emit({ event: 'phase-finished', phase: name, seconds: (performance.now() - started) / 1000 })
}

/** The legacy way for an element to supply a device: it prints the assignment (DIB contract §1.1 step 22). */
function adoptBlockDevice(build: Build, lines: readonly string[]): void {
  for (const line of lines) {
    const device = /IMAGE_BLOCK_DEVICE=["']?(\/dev\/[A-Za-z0-9/_.-]+)/.exec(line)?.[1]
    if (device !== undefined) build.env.IMAGE_BLOCK_DEVICE = device
  }
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
