/** What the image's own tables call users or groups, by number: `/etc/passwd`, `/etc/group`. */
export function namesByNumber(table: string): ReadonlyMap<number, string> {
  const rows = table.split('\n').map((line) => line.split(':'))
  return new Map(
    rows
      .filter(([name, , number]) => name !== undefined && name !== '' && /^\d+$/.test(number ?? ''))
      // The first of several names counts, as for getpwuid(3).
      .reverse()
      .map(([name = '', , number]) => [Number(number), name]),
  )
}
