import type { Inputs } from '../../phases/step-ids.ts'
import type { Recorded } from '../lock/recorded.ts'
import type { Served } from '../packages/pins.ts'

/** A step of a build as the cache sees it: a script, or a piece of the builder's own work on the tree. */
export interface CacheStep {
  /** Directory name of a phase; `driver` for work of the builder. */
  readonly phase: string
  readonly name: string
  readonly element: string
  /** What it is made from, besides all steps before it. */
  readonly inputs: Inputs
  /** True when an earlier result must not be taken: the script says so (`# cache: never`), or it writes on the host. */
  readonly never: boolean
  /** True when it may mark files immutable, or the like (chattr): overlayfs forgets that of files in lower layers. */
  readonly attributes: boolean
  /** Variable that names a directory on the host that the script fills (`# cache: output NAME`). */
  readonly output?: string
}

/** `meta.json` of a layer: where it came from. */
export interface LayerMeta {
  readonly layerVersion: 1
  /** Identity of the tree after the step: from {@link preKey} and what only the run could tell. */
  readonly key: string
  /** Identity of all that was known before the step ran. */
  readonly preKey: string
  readonly phase: string
  readonly step: string
  readonly element: string
  readonly inputs: Inputs
  /** Another run of the step need not give the same: taken by `--resume` only. */
  readonly never: boolean
  /** What the package proxy handed to it. */
  readonly served: readonly Served[]
  /** What its script fetched from elsewhere. */
  readonly recorded: readonly Recorded[]
  /** Seconds the step took. */
  readonly seconds: number
  /** The value of the step's output variable, where it has one. */
  readonly output?: string
  /** Whether it changed the tree, and the hooks. A layer that changed neither is no more than this file. */
  readonly tree: boolean
  readonly hooks: boolean
  /** ISO 8601, UTC. */
  readonly created: string
  /** The boot of the machine that wrote it. After a power cut, what was not synced since is not trusted. */
  readonly bootId: string
}

/** A layer in the store. */
export interface Layer {
  /** Name of its directory below `layers/`. */
  readonly name: string
  readonly meta: LayerMeta
}
