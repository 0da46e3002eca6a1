import { extendedRegex } from './extended-regex.ts'

const SCRIPT_NAME = /^[0-9A-Za-z_-]+$/
const ENVIRONMENT_FILE_NAME = /^[0-9A-Za-z_.-]+$/

/**
 * Whether a file of a phase directory has a name that runs (DIB contract §1.4).
 *
 * @param regex the caller's RUN_PARTS_REGEX, a POSIX extended regular expression; undefined or empty for the default,
 *   which refuses dots and so `50-x.sh` and `10-x.bak`
 * @throws CofferError `RUN_PARTS_REGEX_INVALID`
 */
export function isScriptName(name: string, regex?: string | undefined): boolean {
  const pattern = regex === undefined || regex === '' ? SCRIPT_NAME : extendedRegex(regex)
  return pattern.test(name)
}

/** Whether a file of environment.d has a name that is sourced: dots are fine, a `~` is not (DIB contract §1.4). */
export function isEnvironmentFileName(name: string): boolean {
  return ENVIRONMENT_FILE_NAME.test(name)
}

/**
 * Scripts in the order in which they run: by their leading number, names without one count as 0, ties byte by byte.
 * The same as `LC_ALL=C sort -n` (DIB contract §1.4): `-5-x`, `plain`, `9-z`, `10-a`, `100-y`.
 */
export function sortScripts(names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, number: leadingNumber(name) }))
    .sort((a, b) => compareNumbers(a.number, b.number) || compareBytes(a.name, b.name))
    .map(({ name }) => name)
}

/**
 * Environment files in the order in which they are sourced: byte by byte, so that 100-x comes before 9-x. DIB's numeric
 * sort sees the whole path there, which starts with no number (DIB contract §1.4).
 */
export function sortEnvironmentFiles(names: readonly string[]): string[] {
  return [...names].sort(compareBytes)
}

/** Scripts in the order of the PROFILING table: byte by byte (DIB contract §1.4). */
export function sortProfile(names: readonly string[]): string[] {
  return [...names].sort(compareBytes)
}

/** Compares texts by the bytes of their UTF-8 form, as the C locale does. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A number as `sort -n` reads it: digits without leading or trailing zeros; exact however long. */
interface DecimalNumber {
  readonly negative: boolean
  readonly whole: string
  readonly fraction: string
}

function leadingNumber(text: string): DecimalNumber {
  const match = /^[ \t\n]*(-?)0*([0-9]*)(?:\.([0-9]*))?/.exec(text)
  const whole = match?.[2] ?? ''
  const fraction = (match?.[3] ?? '').replace(/0+$/, '')
  return { negative: match?.[1] === '-' && `${whole}${fraction}` !== '', whole, fraction }
}

function compareNumbers(a: DecimalNumber, b: DecimalNumber): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1
  const magnitude =
    a.whole.length - b.whole.length || compareBytes(a.whole, b.whole) || compareBytes(a.fraction, b.fraction)
  return a.negative ? -magnitude : magnitude
}
