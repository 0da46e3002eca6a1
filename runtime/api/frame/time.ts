/** A time as Trove writes it: ISO 8601, UTC, whole seconds, no zone (contract §1.1). */
export function apiTime(date: Date): string {
  return date.toISOString().slice(0, 19)
}
