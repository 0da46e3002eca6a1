import { getopt } from '../../lib/getopt.ts'
import { lineLog } from '../../lib/log.ts'
import { type Datastore, datastoreNamed, listDatastores } from '../datastores/datastores.ts'
import type { BuildEvent, FailedEvent } from '../engine/events.ts'
import { explain } from '../engine/explain.ts'
import { planOf } from '../engine/plan-of.ts'
import { hostArchitecture, type PreparedBuild, prepareBuild } from '../engine/prepare.ts'
import { runPrepared } from '../engine/run-build.ts'
import type { TreePackage } from '../engine/tree-packages.ts'
import { readLock } from '../lock/parse-lock.ts'
import { diskImageCreateArguments, readBuildImageLine } from '../request/build-image-line.ts'
import { buildImageOptions } from '../request/build-image-options.ts'
import { optionRows, parseCommandLine } from '../request/options.ts'
import { makeRequest } from '../request/request.ts'
import { cacheCommand } from './cache-command.ts'
import { checkBootable, checkBoots } from './check-boots.ts'
import { lockCommand } from './lock-command.ts'
import { runMain } from './main.ts'
import { type Monitor, monitorFor, reportingFailure } from './monitor.ts'
import { outputFilter } from './output-filter.ts'
import { mebibytes, progress } from './progress.ts'
import { checkRegistrable, registerBuilt } from './register-built.ts'
import { VERSION } from './version.ts'

const PROGRAM = 'build-image'
/** Lines of the log shown when a build fails. */
const TAIL = 20

/** Commands beside building an image, by their first word. */
const subcommands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  cache: (args) => cacheCommand(args, process.env),
  lock: lockCommand,
}

async function main(args: readonly string[]): Promise<number> {
  const [first = '', ...rest] = args
  const subcommand = Object.hasOwn(subcommands, first) ? subcommands[first] : undefined
  return subcommand === undefined ? buildCommand(args) : subcommand(rest)
}

/** `build-image <datastore>`: a bootable image of a database server with sensible defaults. */
async function buildCommand(args: readonly string[]): Promise<number> {
  const line = readBuildImageLine(getopt(PROGRAM, args, buildImageOptions))
  if (line.early !== undefined) return early(line.early)
  const monitor = monitorFor(line.monitor)
  return reportingFailure(monitor, async () => {
    const datastore = await asLocked(datastoreNamed(line.datastore), line.value('--locked'))
    const environment = { ...process.env, ...line.environment(datastore) }
    const words = diskImageCreateArguments(line, datastore)
    const commandLine = parseCommandLine(PROGRAM, words)
    const request = makeRequest(PROGRAM, words, commandLine, environment, await hostArchitecture())
    if (line.bootCheck) await checkBootable(request, line.firmwares)
    if (line.register !== undefined) await checkRegistrable(request.types)
    const silent = lineLog(() => undefined)
    const prepared = await prepareBuild(request, silent)
    if (line.explain) {
      process.stdout.write(await explain(prepared, VERSION))
      return 0
    }
    const say = (text: string) => {
      if (!monitor.on) process.stdout.write(`${text}\n`)
    }
    say(`${datastore.name} on ${environment.DISTRO_NAME} ${environment.DIB_RELEASE} (${request.arch})`)
    const built = await build(prepared, line.logFile ?? `${request.imageName}.log`, monitor, say)
    if (built.status === 0 && line.bootCheck) {
      await checkBoots(built.outputs, line.firmwares, line.bootTimeoutMs, (boot) => {
        monitor.report({ event: 'booted', ...boot })
        say(`boot check (${boot.firmware}, ${boot.accel}): ${boot.line}  after ${boot.seconds.toFixed(1)} s`)
      })
    }
    if (built.status === 0 && line.register !== undefined) {
      const elements = prepared.elements.map(({ name }) => name)
      const image = { ...built, elements, architecture: request.arch }
      const { version, image: kept } = await registerBuilt(image, datastore, line.register.versionName)
      const { name, id } = version
      monitor.report({
        event: 'registered',
        image: kept.id,
        datastore: datastore.name,
        version: name,
        versionId: id,
      })
      say(`registered: datastore ${datastore.name}, version ${name} (${id}), image ${kept.id}`)
    }
    return built.status
  })
}

/** The datastore on the system that a lock was made for, where one is given: defaults may have changed since. */
async function asLocked(datastore: Datastore, file: string | undefined): Promise<Datastore> {
  if (file === undefined) return datastore
  const { distribution: locked, release = datastore.release } = await readLock(file)
  const distribution = (['debian', 'ubuntu'] as const).find((name) => name === locked)
  return { ...datastore, distribution: distribution ?? datastore.distribution, release }
}

type OutputEvent = Extract<BuildEvent, { event: 'output' }>

async function build(
  prepared: PreparedBuild,
  logFile: string,
  monitor: Monitor,
  say: (text: string) => void,
): Promise<{ status: number; outputs: readonly OutputEvent[]; packages: readonly TreePackage[] }> {
  const filter = outputFilter(logFile, prepared.request.callerEnv, false)
  const screen = progress({
    write: (text) => process.stdout.write(text),
    live: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
  })
  say(`elements: ${prepared.elements.map(({ name }) => name).join(' ')}`)
  for (const warning of planOf(prepared, VERSION).warnings) say(`WARNING: ${warning}`)
  say(`log: ${logFile}`)
  const tail: string[] = []
  const outputs: OutputEvent[] = []
  let packages: readonly TreePackage[] = []
  let failure: FailedEvent | undefined
  let lock: string | undefined
  const started = performance.now()
  try {
    const status = await runPrepared(prepared, VERSION, {
      onLine(text) {
        filter.line(text)
        tail.push(text)
        if (tail.length > TAIL) tail.shift()
      },
      onEvent(event) {
        if (event.event === 'failed') failure = event
        if (event.event === 'output') outputs.push(event)
        if (event.event === 'packages') packages = event.packages
        if (event.event === 'lock') lock = `lock: ${event.path}  ${event.packages} packages`
        monitor.report(event)
        if (!monitor.on) screen.event(event)
      },
    })
    if (status !== 0) {
      reportFailure(tail, failure, logFile)
      return { status, outputs, packages }
    }
  } finally {
    filter.close()
  }
  if (lock !== undefined) say(lock)
  for (const output of outputs) say(`${output.path}  ${mebibytes(output.bytes)}`)
  say(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return { status: 0, outputs, packages }
}

function reportFailure(
  tail: readonly string[],
  failure: { message: string; hint?: string } | undefined,
  logFile: string,
): void {
  const lines = [...tail.map((text) => `    ${text}`)]
  process.stderr.write(`${lines.join('\n')}\n`)
  if (failure !== undefined) {
    process.stderr.write(`${failure.message}\n${failure.hint === undefined ? '' : `hint: ${failure.hint}\n`}`)
  }
  process.stderr.write(`The whole log is in ${logFile}\n`)
}

function early(what: 'help' | 'version' | 'list'): number {
  if (what === 'version') process.stdout.write(`${VERSION}\n`)
  if (what === 'list') process.stdout.write(listDatastores())
  if (what === 'help') {
    process.stdout.write(`Usage: ${PROGRAM} [OPTION]... DATASTORE

Builds a bootable image of a database server.

Options:
${optionRows(buildImageOptions)}

Datastores:
${listDatastores()}
Licensed engines (db2, vertica, …) take their package from DATASTORE_PKG_LOCATION: a file, or an http(s) URL
with DATASTORE_PKG_SHA256.
`)
  }
  return 0
}

await runMain(main)
