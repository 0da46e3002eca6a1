/** A cache of what was used last. */
export interface Recent<K, V> {
  /** The kept value, or a new one that is kept from now on. */
  readonly get: (key: K, make: () => V) => V
}

/** @param limit how many values are kept */
export function recent<K, V>(limit: number): Recent<K, V> {
  const kept = new Map<K, V>()
  return {
    get(key, make) {
      let value = kept.get(key)
      if (value === undefined) value = make()
      else kept.delete(key)
      kept.set(key, value)
      if (kept.size > limit) {
        // A map's keys are in the order of their insertion: the first was not used for longest.
        for (const oldest of kept.keys()) {
          kept.delete(oldest)
          break
        }
      }
      return value
    },
  }
}
