/**
 * Times are text in UTC on both engines, so that one code reads and writes them: `YYYY-MM-DD HH:MM:SS`, what DATETIME holds
 * and SQLite compares in order.
 */

/** Whole seconds, as Trove stores times. Fractions are cut, never rounded up into the future. */
export function toSqlTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ')
}

/** With milliseconds, for columns of type DATETIME(3). */
export function toSqlTimeMs(date: Date): string {
  return date.toISOString().slice(0, 23).replace('T', ' ')
}

/** The moment of a stored time, with or without a fraction. */
export function fromSqlTime(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`)
}
