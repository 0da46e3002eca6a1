import { chmod, mkdir, readFile } from 'node:fs/promises'
import { systemClock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { openBuildCache } from '../cache/build-cache.ts'
import type { Layer } from '../cache/types.ts'
import { callerOf, formatOf, partialOutputs, produce } from '../output/index.ts'
import { startAptProxy } from '../packages/proxy.ts'
import { pruneStore } from '../packages/prune.ts'
import type { BuildRequest } from '../request/request.ts'
import { checkSandbox, makeBuildSpace, runSandboxed } from '../sandbox/sandbox.ts'
import { sweepStale } from '../sandbox/stale.ts'
import type { BuildEvent } from './events.ts'
import { makeJob, searchPathOf } from './job.ts'
import { checkMachine, type PreparedBuild } from './prepare.ts'
import {
  type FinishedOutput,
  findHits,
  keepOutputs,
  outputsKey,
  restoreOutputs,
  stepCacheDirectory,
  stepsOf,
  syncCache,
} from './step-cache.ts'

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
  await checkMachine(searchPathOf(request))
  await checkSandbox()
  await mkdir(request.imageCache, { recursive: true })
  await mkdir(request.lockFiles, { recursive: true })
  await sweepStale(request.tmpDir, log)
  const tmpfs = request.useTmpfs && (await memoryAllows(request, log))

  const steps = stepsOf(prepared, version)
  const cache = request.stepCache ? await openBuildCache(stepCacheDirectory(request)) : undefined
  const interrupt = interruption()
  const proxy = await startAptProxy({
    cacheDir: `${request.imageCache}/packages`,
    offline: request.offline,
    log,
  })
  try {
    if (cache === undefined) return await runSteps([])
    const { hits, key } = await findHits(cache.directory, steps, request.resume, async () => true)
    const treeKey = hits.length === steps.length ? key : undefined
    const from = treeKey === undefined ? undefined : await outputsKey(treeKey, prepared)
    if (from !== undefined) {
      const outputs = await restoreOutputs(cache, from, request, (type, write) =>
        produce(formatOf(type), placing(prepared, log, listener), write),
      )
      if (outputs !== undefined) {
        log.info('Nothing has changed: the image comes from the cache')
        return 0
      }
    }
    return await runSteps(hits)
  } finally {
    await cache?.close()
    await proxy.close()
    await pruneStore(`${request.imageCache}/packages`, { maxBytes: PACKAGE_CACHE_BYTES })
    interrupt.release()
  }

  async function runSteps(hits: readonly Layer[]): Promise<number> {
    const space = await makeBuildSpace(request.tmpDir)
    await chmod(space.build, 0o711)
    log.info(`Building in ${space.build}`)
    const job = makeJob(prepared, {
      ...space,
      tmpfs,
      aptProxy: proxy.url,
      version,
      steps,
      hits,
      cache:
        cache === undefined
          ? undefined
          : { directory: cache.directory, drafts: cache.drafts, served: cache.served },
    })
    let tree: string | undefined
    const outputs: FinishedOutput[] = []
    const status = await runSandboxed({
      job,
      partialOutputs: partialOutputs(request.types, request.imageName),
      env: process.env,
      onLine: listener.onLine,
      onEvent: (line) => {
        const event = JSON.parse(line) as BuildEvent
        if (event.event === 'tree') tree = event.key
        if (event.event === 'output') outputs.push(event)
        listener.onEvent(event)
      },
      signal: interrupt.signal,
    })
    if (interrupt.status() !== undefined) listener.onLine('Interrupted: nothing is left behind.')
    if (cache !== undefined) {
      const key = status === 0 && tree !== undefined ? await outputsKey(tree, prepared) : undefined
      if (key !== undefined) await keepOutputs(cache, key, request, outputs)
      await syncCache(cache.directory)
    }
    return interrupt.status() ?? status
  }
}

/** How outputs from the cache are put in place. */
function placing({ request }: PreparedBuild, log: Log, listener: BuildListener) {
  const owner = callerOf(request.callerEnv)
  return {
    types: request.types,
    imageName: request.imageName,
    overwrite: request.overwrite,
    log,
    onOutput: (output: FinishedOutput) =>
      listener.onEvent({ event: 'output', ...output, time: systemClock.now().getTime() }),
    ...(request.checksum === undefined ? {} : { checksum: request.checksum }),
    ...(owner === undefined ? {} : { owner }),
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

/** A tmpfs build needs twice `--min-tmpfs` of memory (DIB contract §1.8). */
async function memoryAllows(request: BuildRequest, log: Log): Promise<boolean> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const totalKiB = Number(/^MemTotal:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  const neededGiB = request.minTmpfsGiB * 2
  if (totalKiB >= neededGiB * 1024 * 1024) return true
  log.warn(`Not enough RAM to use tmpfs for build. Using ${request.tmpDir}. (${totalKiB} < ${neededGiB}G)`)
  return false
}
