/** A release: gives back what was acquired. */
export type Release = () => Promise<void> | void

/** What a {@link cleanupStack} offers. */
export interface CleanupStack {
  /** Registers a release. Register it before what it releases is used. Returns a function that takes it off again. */
  readonly defer: (name: string, release: Release) => () => void
  /** Runs all releases, last registered first, each once. A failing release does not stop the others. */
  readonly release: () => Promise<void>
}

/**
 * Releases in reverse order of acquiring.
 *
 * @throws AggregateError from `release` when one or more releases failed; each error names its release.
 */
export function cleanupStack(): CleanupStack {
  const entries: { name: string; release: Release }[] = []
  return {
    defer(name, release) {
      const entry = { name, release }
      entries.push(entry)
      return () => {
        const at = entries.indexOf(entry)
        if (at >= 0) entries.splice(at, 1)
      }
    },
    async release() {
      const errors: Error[] = []
      for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
        try {
          await entry.release()
        } catch (error) {
          errors.push(new Error(`${entry.name} could not be released: ${String(error)}`, { cause: error }))
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
    },
  }
}
