import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { mountsBelow } from '../../lib/mount.ts'
import { exists } from '../../lib/path-kind.ts'
import { removeTree } from '../../lib/tree.ts'
import { recordFiles } from '../../registry/images/record.ts'
import { keepContent, type LayerContent } from '../cache/content.ts'
import { keyOf, preKeyOf } from '../cache/keys.ts'
import { openLayers } from '../cache/layers.ts'
import { cacheLayout, layerParts } from '../cache/layout.ts'
import type { CacheStep, Layer, LayerMeta } from '../cache/types.ts'
import { lockVariables } from '../lock/lock-variables.ts'
import type { Recorded } from '../lock/recorded.ts'
import type { Served } from '../packages/pins.ts'
import { settled } from '../packages/release-dates.ts'
import { appendedLines } from './appended-lines.ts'
import { type Build, layersPlace } from './build.ts'
import { processesIn } from './chroot-mounts.ts'
import { type LayeredTree, openLayeredTree } from './layered-tree.ts'
import { openStaging, type Stage } from './stage.ts'

/** overlayfs takes one page of layer names: with more layers than this the rest of a build is one layer. */
const MOST_LAYERS = 140

/** The steps of a running build: which are in the cache, and what becomes of the results of the others. */
export interface TreeSteps {
  /**
   * Puts the cached results of a phase on the tree.
   * @returns the steps of the phase in all, and how many of them are done by that
   */
  readonly restore: (
    phase: string,
  ) => Promise<{ readonly planned: readonly CacheStep[]; readonly done: number }>
  /** Whether a step has run, or has to: from there on all do. */
  readonly running: () => boolean
  /** Whether every step of the build comes from the cache. */
  readonly complete: boolean
  /** Makes the tree ready for scripts of a stage. */
  readonly enter: (stage: Stage) => Promise<void>
  /** Unmounts tree and hooks where that is possible. */
  readonly leave: () => Promise<void>
  /**
   * Keeps what a step has done, once it succeeded.
   * @param environment what the step's script had
   */
  readonly finish: (
    step: CacheStep,
    seconds: number,
    environment: Readonly<Record<string, string>>,
  ) => Promise<void>
  /** A piece of the builder's own work, from the cache or by `action`. */
  readonly driver: (name: string, stage: Stage, action: () => Promise<void>) => Promise<void>
  /** From now on nothing is kept: steps are no longer what the plan says, or leave more behind than files. */
  readonly freeze: (reason: string) => void
  /** From now on the tree is what is mounted at its place: loop devices. */
  readonly becomePlain: () => void
  /** From now on the host's name servers are in the tree. */
  readonly lent: () => Promise<void>
  /** Takes the tree away. */
  readonly discard: () => Promise<void>
  /** Identity of the tree; undefined once something made it unlike what the plan says. */
  readonly key: () => string | undefined
  /** Which steps, by their places in the job's list, wrote which files, once all layers are described. Undefined when no layers were kept apart. */
  readonly writers: () => Promise<ReadonlyMap<string, readonly number[]> | undefined>
}

/** Opens the steps of a build: its layers on disk, or in memory when nothing is to be kept. */
export async function openTreeSteps(build: Build): Promise<TreeSteps> {
  const { steps, hits, directories, cache } = build.job
  const place = layersPlace(build.job)
  const layers = await openLayeredTree({ ...place, hooks: directories.hooks, rootless: build.job.rootless })
  const store = openLayers(place.cache)
  const overlay = await works(layers, directories.mount, build)
  const staging = openStaging(build, overlay ? layers : undefined)
  const served = await appendedLines<Served>(cache?.served)
  const recorded = await appendedLines<Recorded>(
    cache === undefined ? undefined : build.job.inputEnvironment[lockVariables.record],
  )
  /** What each step so far has left, in order. */
  const described: Promise<LayerContent>[] = []
  let cursor = 0
  let key = build.job.startKey
  let frozen: string | undefined = overlay ? undefined : 'overlayfs cannot be used here'
  let count = 0
  let aside = await besideTree(build)

  function freeze(reason: string): void {
    if (frozen !== undefined) return
    frozen = reason
    build.print(`From here on steps are not cached: ${reason}`)
  }

  async function adopt(layer: Layer): Promise<void> {
    const { meta, name } = layer
    layers.adopt(name, meta)
    if (meta.tree) count += 1
    key = meta.key
    described.push(keepContent(cacheLayout(place.cache).layer(name)))
    if (meta.output !== undefined)
      await restoreOutput(build, `${cacheLayout(place.cache).layer(name)}/${layerParts.output}`, meta.output)
  }

  async function whyNotKept(): Promise<string | undefined> {
    const root = layers.mountedAt()
    if (root === undefined) return undefined
    const [process] = await processesIn(root)
    if (process !== undefined) return `${process.command} (pid ${process.pid}) was left running in the image`
    const foreign = (await mountsBelow(root)).find(
      (point) => !/^\/(proc|sys|dev|tmp\/in_target\.d)(\/|$)/.test(point.slice(root.length)),
    )
    if (foreign !== undefined) return `${foreign.slice(root.length)} was left mounted in the image`
    const now = await besideTree(build)
    const changed = now.find((name) => !aside.includes(name)) ?? aside.find((name) => !now.includes(name))
    aside = now
    if (changed !== undefined) return `${changed} was written outside the tree`
    return count >= MOST_LAYERS ? `there are more than ${MOST_LAYERS} layers` : undefined
  }

  async function keep(step: CacheStep, seconds: number, output: string | undefined): Promise<void> {
    // What apt has read whole the proxy may still be noting down.
    if (cache !== undefined && build.job.aptProxy !== undefined) await settled(build.job.aptProxy)
    const changes = await layers.changes()
    const taken = { served: await served(), recorded: await recorded() }
    const meta = metaOf(key, step, { seconds, ...taken, output, changes })
    const some = changes.tree || changes.hooks
    if (some && !(await staging.leave())) return freeze('something in the image is busy')
    const draft = some ? await layers.takeDraft(changes) : await layers.emptyDraft()
    if (output !== undefined) await keepOutput(output, `${draft}/${layerParts.output}`)
    const layer = await store.commit(draft, meta)
    layers.adopt(layer.name, layer.meta)
    if (layer.meta.tree) count += 1
    key = layer.meta.key
    const content = keepContent(cacheLayout(place.cache).layer(layer.name))
    content.catch(() => undefined)
    described.push(content)
  }

  const self: TreeSteps = {
    async restore(phase) {
      const planned: CacheStep[] = []
      for (let at = cursor; steps[at]?.phase === phase; at++) planned.push(steps[at] as CacheStep)
      let done = 0
      // Mounted for a look at it: what comes from the cache goes on top.
      if (planned.length > 0 && cursor < hits.length) await staging.leave()
      while (done < planned.length && cursor < hits.length) {
        await adopt(hits[cursor] as Layer)
        done += 1
        cursor += 1
      }
      return { planned, done }
    },
    running: () => cursor >= hits.length && hits.length < steps.length,
    complete: hits.length === steps.length,
    enter: staging.enter,
    async leave() {
      if (frozen === undefined && !(await staging.leave())) freeze('something in the image is busy')
    },
    async finish(step, seconds, environment) {
      cursor += 1
      const reason =
        frozen ??
        (step.attributes ? `${step.phase}/${step.name} may mark files with chattr` : await whyNotKept())
      if (reason !== undefined) return freeze(reason)
      await keep(step, seconds, step.output === undefined ? undefined : environment[step.output])
    },
    async driver(name, stage, action) {
      const step = steps[cursor]
      if (step?.phase !== 'driver' || step.name !== name) throw new Error(`the step ${name} is out of place`)
      const hit = hits[cursor]
      if (hit !== undefined) {
        cursor += 1
        await staging.leave()
        return await adopt(hit)
      }
      await staging.enter(stage)
      const started = performance.now()
      await action()
      await self.finish(step, (performance.now() - started) / 1000, {})
    },
    freeze,
    becomePlain: staging.becomePlain,
    async lent() {
      const layer = layers.top()
      const root = layer === undefined ? directories.mount : `${cacheLayout(place.cache).layers}/${layer}`
      staging.lent(await readFile(`${root}/etc/resolv.conf`, 'utf8'))
    },
    async discard() {
      await staging.discard()
    },
    key: () => (frozen === undefined ? key : undefined),
    async writers() {
      if (!overlay || frozen !== undefined) return undefined
      const writers = new Map<string, number[]>()
      for (const [step, content] of described.entries()) {
        for (const path of (await content).paths) {
          const known = writers.get(path)
          if (known === undefined) writers.set(path, [step])
          else known.push(step)
        }
      }
      return writers
    },
  }
  return self
}

/** Tries an overlay where the layers lie. */
async function works(layers: LayeredTree, at: string, build: Build): Promise<boolean> {
  try {
    await layers.mountAt(at)
    return await layers.unmount()
  } catch (error) {
    build.log.debug(`overlayfs cannot be used: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** Names beside the tree and the hooks: what an outside script leaves there is in no layer. */
async function besideTree({ job }: Build): Promise<string[]> {
  const { build, image } = job.directories
  const names = await Promise.all(
    [build, `${build}/block-device`, image].map(async (directory) =>
      (await readdir(directory).catch(() => [])).map((name) => `${directory}/${name}`),
    ),
  )
  return names.flat().filter((path) => path !== job.directories.mount && path !== job.directories.built)
}

function metaOf(
  previous: string,
  step: CacheStep,
  result: {
    readonly seconds: number
    readonly served: LayerMeta['served']
    readonly recorded: LayerMeta['recorded']
    readonly output: string | undefined
    readonly changes: { readonly tree: boolean; readonly hooks: boolean }
  },
): LayerMeta {
  const preKey = preKeyOf(previous, step)
  return {
    layerVersion: 1,
    key: keyOf(preKey, result.served, step.never ? randomUUID() : ''),
    preKey,
    phase: step.phase,
    step: step.name,
    element: step.element,
    inputs: step.inputs,
    never: step.never,
    served: result.served,
    recorded: result.recorded,
    seconds: result.seconds,
    ...(result.output === undefined ? {} : { output: result.output }),
    ...result.changes,
    created: systemClock.now().toISOString(),
    bootId: bootId,
  }
}

/** The host directory that a script has filled, without what the builder itself puts there. */
async function keepOutput(directory: string, to: string): Promise<void> {
  const path = resolve(directory)
  if (!(await exists(path))) return
  const ours = new Set<string>(Object.values(recordFiles))
  await cp(path, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !ours.has(source.slice(path.length).replace(/^\//, '')),
  })
}

async function restoreOutput(build: Build, kept: string, directory: string): Promise<void> {
  if (!(await exists(kept))) return
  const path = resolve(directory)
  await mkdir(path, { recursive: true })
  for (const name of await readdir(kept)) await removeTree(`${path}/${name}`)
  await cp(kept, path, { recursive: true, verbatimSymlinks: true })
  const { owner } = build.job
  if (owner !== undefined) await run(['chown', '-hR', '--', `${owner.uid}:${owner.gid}`, path])
}

const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim()
