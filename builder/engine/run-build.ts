import { chmod, mkdir } from 'node:fs/promises'
import { systemClock } from '../../lib/clock.ts'
import { CofferError, describeError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { type BuildCache, openBuildCache } from '../cache/build-cache.ts'
import { pruneSteps } from '../cache/prune.ts'
import { syncCache } from '../cache/trust.ts'
import type { Layer } from '../cache/types.ts'
import { openBuildInputs } from '../lock/build-inputs.ts'
import { lockDigest } from '../lock/lock.ts'
import { callerOf, partialOutputs } from '../output/index.ts'
import { writeSupplyChain } from '../output/supply-chain.ts'
import { startAptProxy } from '../packages/proxy.ts'
import { pruneStore } from '../packages/prune.ts'
import { acquireRoot, type RootRights } from '../sandbox/root-rights.ts'
import { describeRootless } from '../sandbox/rootless.ts'
import { type BuildSpace, makeBuildSpace, type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { sweepStale } from '../sandbox/stale.ts'
import { archivesUnchanged } from './archives-unchanged.ts'
import type { BuildListener } from './events.ts'
import { imageFromCache } from './image-from-cache.ts'
import { interruption } from './interruption.ts'
import { callerFor, makeJob, sandboxPathOf, searchPathOf } from './job.ts'
import { clustersOf, copyOutputs, keepOutputs, outputRecipe } from './kept-outputs.ts'
import { makeOwnCache } from './own-cache.ts'
import { checkMachine, type PreparedBuild } from './prepare.ts'
import { buildRecord, recordDirectory, writeBuildRecord } from './record.ts'
import { findHits, stepCacheDirectory, stepsOf } from './step-cache.ts'
import { finishLock, inputsOf, replay, takenFrom } from './taken.ts'
import { memoryAllows } from './tmpfs-memory.ts'
import { toldBy } from './told.ts'

/** The package cache is pruned to this after each build, least recently used first. */
const PACKAGE_CACHE_BYTES = 20 * 1024 ** 3

/** So is the step cache. */
const STEP_CACHE_BYTES = 20 * 1024 ** 3

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
  await checkMachine(searchPathOf(prepared.request))
  const rights = await acquireRoot()
  try {
    if (rights.privilege.kind !== 'root') refuseLoopDevices(prepared)
    const { request } = prepared
    const callerEnv = callerFor(rights.privilege, request.callerEnv)
    return await runWithRights({ ...prepared, request: { ...request, callerEnv } }, version, listener, rights)
  } finally {
    await rights.release()
  }
}

async function runWithRights(
  prepared: PreparedBuild,
  version: string,
  listener: BuildListener,
  rights: RootRights,
): Promise<number> {
  const { request } = prepared
  const { privilege, enter } = rights
  const log: Log = {
    debug: () => undefined,
    info: listener.onLine,
    warn: (message) => listener.onLine(`WARNING: ${message}`),
    error: (message) => listener.onLine(`ERROR: ${message}`),
  }
  if (privilege.kind === 'rootless') log.info(describeRootless(privilege))
  await makeOwnCache(request.imageCache)
  warnOfFuture(request.sourceDate, log)
  await mkdir(request.lockFiles, { recursive: true })
  await sweepStale(request.tmpDir, log, enter)
  const tmpfs = request.useTmpfs && (await memoryAllows(request, log))

  const steps = stepsOf(prepared, version)
  const recipe = request.stepCache ? await outputRecipe(prepared) : undefined
  const cache = request.stepCache
    ? await openBuildCache(stepCacheDirectory(request.imageCache, privilege), enter)
    : undefined
  // Looking through a large cache takes a while: not after a build that has put nothing there.
  let added = true
  const interrupt = interruption()
  const inputs = await openBuildInputs(inputsOf(prepared, version, log))
  const proxy = await startAptProxy({
    cacheDir: `${request.imageCache}/packages`,
    offline: request.offline,
    log,
    ...inputs.proxy,
    onServed: (answer) => {
      inputs.proxy.onServed?.(answer)
      cache?.noteServed(answer)
    },
  })
  const keepsContent = request.lockTo !== undefined && prepared.generated.declared
  const told = toldBy(listener)
  let oldLists = false
  let sandbox: Sandbox | undefined
  try {
    const space = await makeBuildSpace(request.tmpDir)
    sandbox = startSandbox({
      space,
      rights,
      partialOutputs: [...partialOutputs(request.types, request.imageName), inputs.directory],
      drafts: cache === undefined ? [] : [cache.drafts],
      env: { ...callerFor(privilege, process.env), PATH: sandboxPathOf(request, privilege) },
      onLine: listener.onLine,
      onEvent: told.onLine,
      signal: interrupt.signal,
    })
    if (cache === undefined) return await runSteps(sandbox, space, [])
    const archives = archivesUnchanged(prepared, log)
    const { hits, key } = await findHits(cache.directory, steps, request.resume, archives.judge)
    oldLists = archives.listsAreOld()
    for (const { meta } of hits) await replay(meta, inputs, proxy)
    const treeKey = hits.length === steps.length ? key : undefined
    // An image from the cache has no tree to take the content from that its lock shall keep.
    const from = treeKey === undefined || keepsContent ? undefined : recipe?.key(treeKey)
    if (from !== undefined && (await imageFromCache(cache, from, prepared, hits, log, listener))) {
      added = false
      await finishLock(inputs, proxy, listener, [])
      return 0
    }
    return await runSteps(sandbox, space, hits)
  } finally {
    try {
      await sandbox?.release()
    } finally {
      await Promise.all([cache && leaveCache(cache), leaveProxy(), inputs.close()])
      interrupt.release()
    }
  }

  async function leaveProxy(): Promise<void> {
    await proxy.close()
    await pruneStore(`${request.imageCache}/packages`, { maxBytes: PACKAGE_CACHE_BYTES })
  }

  async function leaveCache(cache: BuildCache): Promise<void> {
    const warn = (what: string) => (error: unknown) => log.warn(`${what}: ${firstLine(error)}`)
    const synced = added && syncCache(cache.directory).catch(warn('The step cache could not be written out'))
    await cache.close()
    if (added)
      await pruneSteps(cache.directory, STEP_CACHE_BYTES, enter).catch(
        warn('The step cache could not be pruned'),
      )
    await synced
  }

  async function runSteps(sandbox: Sandbox, space: BuildSpace, hits: readonly Layer[]): Promise<number> {
    await chmod(space.build, 0o711)
    log.info(`Building in ${space.build}`)
    const job = makeJob(prepared, {
      ...space,
      tmpfs,
      privilege,
      aptProxy: proxy.url,
      version,
      steps,
      hits,
      inputEnvironment: inputs.environment,
      oldLists,
      generatedIn: keepsContent ? inputs.directory : undefined,
      cache:
        cache === undefined
          ? undefined
          : {
              directory: cache.directory,
              drafts: cache.drafts,
              served: cache.served,
              clusters: await clustersOf(cache, recipe),
            },
    })
    const status = await sandbox.run(job)
    // While the record is written; whoever ends the build waits for it, and hears of it if it fails.
    const released = sandbox.release()
    released.catch(() => undefined)
    if (interrupt.status() !== undefined) {
      await released
      listener.onLine('Interrupted: nothing is left behind.')
    } else if (status !== 0) for (const reason of inputs.refusals().slice(0, 5)) log.error(reason)
    if (status === 0 && interrupt.status() === undefined)
      await finishLock(inputs, proxy, listener, told.generated())
    let outputs = told.facts().outputs
    const tree = told.tree()
    const kept = cache !== undefined && recipe !== undefined && status === 0 && tree !== undefined
    // The copy takes its time, and the record another processor's.
    const copies = kept ? copyOutputs(cache, request, outputs) : undefined
    copies?.catch(() => undefined)
    if (status === 0 && request.record) {
      const facts = {
        steps,
        ...told.facts(),
        ...(await takenFrom(inputs, told.facts().packages)),
        ...(prepared.lock === undefined ? {} : { lock: lockDigest(prepared.lock) }),
      }
      const record = await buildRecord(prepared, version, facts)
      outputs = outputs.map((output, at) => ({ ...output, ...record.outputs[at] }))
      await writeBuildRecord(request, record)
      const owner = callerOf(request.callerEnv)
      await writeSupplyChain({
        directory: recordDirectory(request),
        record,
        ...(owner === undefined ? {} : { owner }),
      })
    }
    if (kept && copies !== undefined) {
      // The image is there: that the next build must make it again is no failure of this one.
      await keepOutputs(cache, { ...recipe, tree }, request, outputs, copies).catch((error: unknown) =>
        log.warn(`The image is not kept in the step cache: ${firstLine(error)}`),
      )
    }
    return interrupt.status() ?? status
  }
}

/** Loop devices belong to root of the machine. @throws CofferError `ROOT_REQUIRED` */
function refuseLoopDevices({ loopReason }: PreparedBuild): void {
  if (loopReason === undefined) return
  throw new CofferError('ROOT_REQUIRED', `This image cannot be built without root: ${loopReason}`, {
    hint: 'It needs loop devices, which belong to root: run the same command with sudo -E, or leave out what insists on them.',
  })
}

/** Dates are only made earlier: those of this build would stay if the source date were later. */
function warnOfFuture(sourceDate: number | undefined, log: Log): void {
  if (sourceDate === undefined || sourceDate * 1000 <= systemClock.now().getTime()) return
  log.warn(
    'SOURCE_DATE_EPOCH is later than now: files keep the time of this build, and the next image will differ',
  )
}

function firstLine(error: unknown): string {
  return describeError(error).split('\n')[0] ?? ''
}
