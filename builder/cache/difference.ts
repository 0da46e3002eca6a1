import type { CacheStep, LayerMeta } from './types.ts'

/**
 * Why a step has to run, in words: the first input that differs from the nearest earlier run of the same script.
 *
 * @param step the first step that is not in the cache
 * @param earlier what the store has of it (same phase, name and element), last used first
 * @param fits layers whose inputs fit: something else made them unusable
 */
export function firstDifference(
  step: CacheStep,
  earlier: readonly LayerMeta[],
  fits: readonly LayerMeta[],
): string {
  if (fits.length > 0)
    return step.never ? 'it must not be cached' : 'what it read from the package repositories has changed'
  const nearest = earlier.toSorted(
    (a, b) => differing(step.inputs, a.inputs).length - differing(step.inputs, b.inputs).length,
  )[0]
  if (nearest === undefined) return 'it has not run before'
  const [first] = differing(step.inputs, nearest.inputs)
  if (first === undefined) return 'a step before it has changed'
  if (first.before === undefined) return `${first.name} is new`
  if (first.after === undefined) return `${first.name} is gone`
  return `${first.name} changed: ${short(first.before)} → ${short(first.after)}`
}

interface Difference {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
}

function differing(
  now: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
): Difference[] {
  return [...new Set([...Object.keys(now), ...Object.keys(before)])]
    .filter((name) => now[name] !== before[name])
    .map((name) => ({ name, before: before[name], after: now[name] }))
}

/** A digest by its first digits, another value whole while it is short. */
function short(value: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value.slice(0, 12)
  const line = JSON.stringify(value)
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
