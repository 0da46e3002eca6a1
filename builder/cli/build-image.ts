import { CofferError } from '../../lib/errors.ts'
import { getopt } from '../../lib/getopt.ts'
import { lineLog } from '../../lib/log.ts'
import { bootCheck } from '../bootcheck/boot-check.ts'
import { datastoreNamed, listDatastores } from '../datastores/datastores.ts'
import type { BuildEvent } from '../engine/events.ts'
import { explain } from '../engine/explain.ts'
import { hostArchitecture, prepareBuild } from '../engine/prepare.ts'
import { runPrepared } from '../engine/run-build.ts'
import { diskImageCreateArguments, readBuildImageLine } from '../request/build-image-line.ts'
import { buildImageOptions } from '../request/build-image-options.ts'
import { optionRows, parseCommandLine } from '../request/options.ts'
import { makeRequest } from '../request/request.ts'
import { runMain } from './main.ts'
import { checkMonitor } from './monitor.ts'
import { outputFilter } from './output-filter.ts'
import { mebibytes, progress } from './progress.ts'
import { VERSION } from './version.ts'

const PROGRAM = 'build-image'
/** Lines of the log shown when a build fails. */
const TAIL = 20

/** `build-image <datastore>`: a bootable image of a database server with sensible defaults. */
async function main(args: readonly string[]): Promise<number> {
  const line = readBuildImageLine(getopt(PROGRAM, args, buildImageOptions))
  if (line.early !== undefined) return early(line.early)
  const datastore = datastoreNamed(line.datastore)
  const environment = { ...process.env, ...line.environment(datastore) }
  const diskArguments = diskImageCreateArguments(line, datastore)
  const request = makeRequest(
    PROGRAM,
    diskArguments,
    parseCommandLine(PROGRAM, diskArguments),
    environment,
    await hostArchitecture(),
  )
  const prepared = await prepareBuild(
    request,
    lineLog(() => undefined),
  )
  if (line.explain) {
    process.stdout.write(explain(prepared, VERSION))
    return 0
  }

  const monitor = checkMonitor(line.monitor)
  const say = (text: string) => {
    if (!monitor) process.stdout.write(`${text}\n`)
  }
  const logFile = line.logFile ?? `${request.imageName}.log`
  const filter = outputFilter(logFile, environment, false)
  const screen = progress({
    write: (text) => process.stdout.write(text),
    live: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
  })
  say(`${datastore.name} on ${environment.DISTRO_NAME} ${environment.DIB_RELEASE} (${request.arch})`)
  say(`elements: ${prepared.elements.map(({ name }) => name).join(' ')}`)
  say(`log: ${logFile}`)
  const tail: string[] = []
  const outputs: Extract<BuildEvent, { event: 'output' }>[] = []
  let failure: Extract<BuildEvent, { event: 'failed' }> | undefined
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
        if (monitor) process.stdout.write(`${JSON.stringify(event)}\n`)
        else screen.event(event)
      },
    })
    if (status !== 0) {
      reportFailure(tail, failure, logFile)
      return status
    }
  } finally {
    filter.close()
  }
  for (const output of outputs) say(`${output.path}  ${mebibytes(output.bytes)}`)
  say(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  if (line.bootCheck) await checkBoots(outputs, line.firmware, line.bootTimeoutMs, say)
  return 0
}

async function checkBoots(
  outputs: readonly { path: string; format: string }[],
  firmware: 'bios' | 'uefi' | 'both',
  timeoutMs: number,
  say: (text: string) => void,
): Promise<void> {
  const image = outputs.find(({ format }) => ['qcow2', 'raw'].includes(format))
  if (image === undefined) {
    throw new CofferError('BOOT_CHECK_NO_IMAGE', '--boot-check needs an image of type qcow2 or raw', {
      hint: 'Add qcow2 to -t.',
    })
  }
  for (const kind of firmware === 'both' ? (['bios', 'uefi'] as const) : [firmware]) {
    const result = await bootCheck({ image: image.path, firmware: kind, timeoutMs })
    say(`boot check (${kind}, ${result.accel}): ${result.line}  after ${result.seconds.toFixed(1)} s`)
  }
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
