/** Those who want to know when a connection comes and goes. */
export interface ChangeListeners {
  /** What a Connection's `onChange` is. */
  readonly add: (listener: (connected: boolean) => void) => () => void
  readonly tell: (connected: boolean) => void
}

/** An empty set of listeners. */
export function changeListeners(): ChangeListeners {
  const listeners = new Set<(connected: boolean) => void>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tell(connected) {
      for (const listener of listeners) listener(connected)
    },
  }
}
