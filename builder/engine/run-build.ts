import { chmod, mkdir, readFile } from 'node:fs/promises'
import { systemClock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { partialOutputs } from '../output/index.ts'
import { startAptProxy } from '../packages/proxy.ts'
import { pruneStore } from '../packages/prune.ts'
import type { BuildRequest } from '../request/request.ts'
import { checkSandbox, makeBuildSpace, runSandboxed } from '../sandbox/sandbox.ts'
import { sweepStale } from '../sandbox/stale.ts'
import type { BuildEvent } from './events.ts'
import { makeJob, searchPathOf } from './job.ts'
import { checkMachine, type PreparedBuild } from './prepare.ts'

/** The package cache is pruned to this after each build, least recently used first. */
const PACKAGE_CACHE_BYTES = 20 * 1024 ** 3

/** Where a running build reports. */
export interface BuildListener {
  /** A line of output of the build. */
  readonly onLine: (line: string) => void
  readonly onEvent: (event: BuildEvent) => void
}

/**
 * Builds what was prepared, in the sandbox. SIGINT and SIGTERM end it cleanly.
 *
 * @returns the exit status for the tool: 0, the failed script's own, or 130/143 when interrupted
 */
export async function runPrepared(
  prepared: PreparedBuild,
  version: string,
  listener: BuildListener,
): Promise<number> {
  const { request } = prepared
  const log: Log = {
    debug: () => undefined,
    info: listener.onLine,
    warn: (message) => listener.onLine(`WARNING: ${message}`),
    error: (message) => listener.onLine(`ERROR: ${message}`),
  }
  warnOfFuture(request.sourceDate, log)
  await checkMachine(searchPathOf(request))
  await checkSandbox()
  await mkdir(request.imageCache, { recursive: true })
  await mkdir(request.lockFiles, { recursive: true })
  await sweepStale(request.tmpDir, log)
  const tmpfs = request.useTmpfs && (await memoryAllows(request, log))

  const interrupt = interruption()
  const proxy = await startAptProxy({
    cacheDir: `${request.imageCache}/packages`,
    offline: request.offline,
    log,
  })
  try {
    const space = await makeBuildSpace(request.tmpDir)
    await chmod(space.build, 0o711)
    log.info(`Building in ${space.build}`)
    const job = makeJob(prepared, { ...space, tmpfs, aptProxy: proxy.url, version })
    const status = await runSandboxed({
      job,
      partialOutputs: partialOutputs(request.types, request.imageName),
      env: process.env,
      onLine: listener.onLine,
      onEvent: (line) => listener.onEvent(JSON.parse(line) as BuildEvent),
      signal: interrupt.signal,
    })
    if (interrupt.status() !== undefined) listener.onLine('Interrupted: nothing is left behind.')
    return interrupt.status() ?? status
  } finally {
    await proxy.close()
    await pruneStore(`${request.imageCache}/packages`, { maxBytes: PACKAGE_CACHE_BYTES })
    interrupt.release()
  }
}

/** Turns the first SIGINT, SIGTERM or SIGHUP into an abort, and remembers the exit status it means. */
function interruption() {
  const controller = new AbortController()
  let status: number | undefined
  const numbers = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const listeners = Object.entries(numbers).map(([name, number]) => {
    const listener = () => {
      status ??= number
      controller.abort()
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return {
    signal: controller.signal,
    status: () => status,
    release: () => {
      for (const off of listeners) off()
    },
  }
}

/** Dates are only made earlier: those of this build would stay if the source date were later. */
function warnOfFuture(sourceDate: number | undefined, log: Log): void {
  if (sourceDate === undefined || sourceDate * 1000 <= systemClock.now().getTime()) return
  log.warn(
    'SOURCE_DATE_EPOCH is later than now: files keep the time of this build, and the next image will differ',
  )
}

/** A tmpfs build needs twice `--min-tmpfs` of memory (DIB contract §1.8). */
async function memoryAllows(request: BuildRequest, log: Log): Promise<boolean> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const totalKiB = Number(/^MemTotal:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  const neededGiB = request.minTmpfsGiB * 2
  if (totalKiB >= neededGiB * 1024 * 1024) return true
  log.warn(`Not enough RAM to use tmpfs for build. Using ${request.tmpDir}. (${totalKiB} < ${neededGiB}G)`)
  return false
}
