import { sha256 } from '../../lib/hash.ts'
import type { Plan } from '../../phases/plan.ts'
import type { CacheStep } from './types.ts'

/** Work of the builder on the tree, between scripts. */
export const driverSteps = {
  /** The host's name servers are lent to the tree. */
  resolvConf: 'resolv.conf',
  /** Packages of `-p`. */
  packages: 'packages of -p',
  /** The file system table is written. */
  fstab: 'fstab',
} as const

/** What decides the cached steps of a build, besides its plan. */
export interface CacheStepInput {
  readonly plan: Plan
  readonly packages: readonly string[]
  /** Text of the disk's layout, and whatever else decides the file system table. */
  readonly layout: string
  /** Destinations of scripts that must not be cached. */
  readonly never: readonly string[]
  /** Destinations of scripts that may mark files with chattr. */
  readonly attributes: readonly string[]
  /** Output variables, by destination. */
  readonly outputs: Readonly<Record<string, string>>
}

/** Identity of a build that has done nothing yet. */
export const CACHE_START = sha256('coffer step cache 1')

/**
 * The steps of a build in the order in which they run. What all of them are made from counts for the first, and so, by the
 * chain of keys, for all.
 */
export function cacheSteps(input: CacheStepInput): CacheStep[] {
  const { plan } = input
  const scripts = (...names: readonly string[]) =>
    plan.phases
      .filter(({ name }) => names.includes(name))
      .flatMap(({ steps }) => steps)
      .map(({ phase, name, element, inputs, destination }): CacheStep => {
        const output = input.outputs[destination]
        return {
          phase,
          name,
          element,
          inputs,
          never: input.never.includes(destination),
          attributes: input.attributes.includes(destination),
          ...(output === undefined ? {} : { output }),
        }
      })
  const driver = (name: string, inputs: CacheStep['inputs']): CacheStep => ({
    phase: 'driver',
    name,
    element: 'coffer',
    inputs,
    never: false,
    attributes: false,
  })
  const [first, ...others] = [
    ...scripts('root.d'),
    driver(driverSteps.resolvConf, {}),
    ...scripts('extra-data.d', 'pre-install.d', 'install.d'),
    ...(input.packages.length === 0
      ? []
      : [driver(driverSteps.packages, { packages: input.packages.join(' ') })]),
    ...scripts('post-install.d', 'post-root.d', 'block-device.d'),
    driver(driverSteps.fstab, { layout: input.layout }),
    ...scripts('pre-finalise.d', 'finalise.d', 'cleanup.d'),
  ]
  return first === undefined ? [] : [{ ...first, inputs: { ...plan.start, ...first.inputs } }, ...others]
}
