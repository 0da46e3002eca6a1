/** The one place that reads the clock, so that tests and reproducible builds can replace it. */
export interface Clock {
  readonly now: () => Date
  /** @param signal ends the sleep early; the sleeper looks at it afterwards */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end, { once: true })
    }),
}

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC: the prefix of log lines (DIB contract §1.9). */
export function logTimestamp(date: Date): string {
  return date.toISOString().replace('T', ' ').slice(0, 23)
}
