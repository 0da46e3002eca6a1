import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename } from 'node:fs/promises'
import { systemClock } from '../../lib/clock.ts'
import { mountsBelow } from '../../lib/mount.ts'
import { bootId } from '../../lib/process-id.ts'
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
import { type Build, baseHooks, layersPlace } from './build.ts'
import { processesIn } from './chroot-mounts.ts'
import { openLayeredTree } from './layered-tree.ts'
import { keepOutput, outputPlace, restoreOutput } from './output-directory.ts'
import { openStaging, type Stage } from './stage.ts'

/** overlayfs takes one page of layer names: with more layers than this the rest of a build is one layer. */
const MOST_LAYERS = 140

/** The steps of a running build: which are in the cache, and what becomes of the results of the others. */
export interface TreeSteps {
  /** The steps of a phase in all, and how many of them come from the cache. */
  readonly upcoming: (phase: string) => { readonly planned: readonly CacheStep[]; readonly cached: number }
  /** Puts the cached results of a phase on the tree. */
  readonly restore: (phase: string) => Promise<void>
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
  /** Waits until the layers that this build has made are described, which `cache verify` compares them with. */
  readonly settle: () => Promise<void>
  /** Which steps, by their places in the job's list, wrote which files, once all layers are described. Undefined when no layers were kept apart. */
  readonly writers: () => Promise<ReadonlyMap<string, readonly number[]> | undefined>
}

/**
 * Opens the steps of a build: its layers on disk, or in memory when nothing is to be kept.
 *
 * @param overlay whether its place for layers is one; else the tree is a plain directory
 */
export async function openTreeSteps(build: Build, overlay: boolean): Promise<TreeSteps> {
  const { steps, hits, directories, cache } = build.job
  const place = layersPlace(build.job)
  const layers = await openLayeredTree({ ...place, hooks: directories.hooks, rootless: build.job.rootless })
  const store = openLayers(place.cache)
  if (!overlay) await rename(baseHooks(build), directories.hooks)
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
    // Nobody else asks what is in it.
    if (build.job.request.record) describe(name)
    await restoreOutput(place.cache, layer, build.job.request.imageName, build.job.owner)
  }

  /** In the background: the record of the build waits for it, or the end. */
  function describe(name: string): void {
    const content = keepContent(cacheLayout(place.cache).layer(name))
    content.catch(() => undefined)
    described.push(content)
  }

  /** Moves on to a step. If one before it has not run, an element took it away. */
  function arriveAt(at: number): void {
    const missed = steps[cursor]
    if (cursor >= at || missed === undefined) return
    freeze(`an element took away ${missed.phase}/${missed.name} while the build ran`)
    cursor = at
  }

  async function whyNotKept(): Promise<string | undefined> {
    const root = layers.mountedAt()
    if (root === undefined) return undefined
    const [process] = processesIn(root)
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
    const { imageName } = build.job.request
    const meta = metaOf(key, step, {
      seconds,
      served: await served(),
      recorded: await recorded(),
      output: output === undefined ? undefined : outputPlace(output, imageName),
      changes,
    })
    const some = changes.tree || changes.hooks
    if (changes.tree) await layers.complete()
    if (some && !(await staging.leave())) return freeze('something in the image is busy')
    const draft = some ? await layers.takeDraft(changes) : await layers.emptyDraft()
    if (output !== undefined) await keepOutput(output, `${draft}/${layerParts.output}`)
    const layer = await store.commit(draft, meta)
    // Another build may have put the same step there first, and have changed what this one did not.
    const more = layer.meta.tree || layer.meta.hooks
    if (!some && more && !(await staging.leave())) return freeze('something in the image is busy')
    layers.adopt(layer.name, layer.meta)
    if (layer.meta.tree) count += 1
    key = layer.meta.key
    describe(layer.name)
  }

  const self: TreeSteps = {
    upcoming(phase) {
      const first = steps.findIndex((step) => step.phase === phase)
      const planned = steps.filter((step) => step.phase === phase)
      return { planned, cached: Math.min(Math.max(hits.length - first, 0), planned.length) }
    },
    async restore(phase) {
      const first = steps.findIndex((step) => step.phase === phase)
      if (first === -1) return
      arriveAt(first)
      const end = first + self.upcoming(phase).cached
      // Mounted for a look at it: what comes from the cache goes on top.
      if (cursor < end) await staging.leave()
      for (; cursor < end; cursor += 1) await adopt(hits[cursor] as Layer)
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
      const at = steps.findIndex((candidate) => candidate.phase === 'driver' && candidate.name === name)
      const step = steps[at]
      if (step === undefined) throw new Error(`the plan has no step ${name}`)
      arriveAt(at)
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
    key: () => (cache !== undefined && frozen === undefined && cursor === steps.length ? key : undefined),
    async settle() {
      await Promise.allSettled(described)
    },
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

/** Names beside the tree and the hooks: what an outside script leaves there is in no layer. */
async function besideTree({ job }: Build): Promise<string[]> {
  const { build, image } = job.directories
  const names = await Promise.all(
    [build, `${build}/block-device`, image].map(async (directory) =>
      (await readdir(directory).catch(() => [])).map((name) => `${directory}/${name}`),
    ),
  )
  const { hooks, mount, built } = job.directories
  return names.flat().filter((path) => ![hooks, mount, built].includes(path))
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
    bootId: bootId(),
  }
}
