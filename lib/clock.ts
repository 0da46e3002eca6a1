/** The one place that reads the clock, so that tests and reproducible builds can replace it. */
export interface Clock {
  readonly now: () => Date
  readonly sleep: (ms: number) => Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** `YYYY-MM-DD HH:MM:SS.mmm` in UTC: the prefix of log lines (DIB contract §1.9). */
export function logTimestamp(date: Date): string {
  return date.toISOString().replace('T', ' ').slice(0, 23)
}
