/** Runs actions on the same id one after another, on different ids at once. */
export type ById = <T>(id: string, action: () => Promise<T>) => Promise<T>

/** Makes a {@link ById} with no actions yet. */
export function oneAtATime(): ById {
  const last = new Map<string, Promise<unknown>>()
  return (id, action) => {
    const next = (last.get(id) ?? Promise.resolve()).then(action, action)
    last.set(id, next)
    const forget = () => {
      if (last.get(id) === next) last.delete(id)
    }
    next.then(forget, forget)
    return next
  }
}
