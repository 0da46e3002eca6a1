import { compareBytes } from './order.ts'

/** How long one script took. */
export interface ProfileRow {
  readonly script: string
  readonly seconds: number
}

/**
 * The PROFILING table printed after a phase, without the `dib-run-parts ` before each line (DIB contract §1.4).
 *
 * @param phase the phase directory's name, such as `install.d`
 * @param rows in any order; the table has them byte by byte, so `100-y` comes before `20-a`
 */
export function profileTable(phase: string, rows: readonly ProfileRow[]): string[] {
  const columns = (left: string, right: string) => `${left.padEnd(40)} ${right}`
  return [
    '----------------------- PROFILING -----------------------',
    '',
    `Target: ${phase}`,
    '',
    columns('Script', 'Seconds'.padStart(9)),
    columns('-'.repeat(39), '-'.repeat(10)),
    '',
    ...[...rows]
      .sort((a, b) => compareBytes(a.script, b.script))
      .map(({ script, seconds }) => columns(script, seconds.toFixed(3).padStart(10))),
    '',
    '--------------------- END PROFILING ---------------------',
  ]
}
