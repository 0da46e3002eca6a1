import { CofferError } from '../../../../lib/errors.ts'
import type { OptionSpec, PositionalSpec } from '../arguments/types.ts'

// Words and options that many commands take.

export const instanceWord: PositionalSpec = { name: 'instance', help: 'Name or id of the instance.' }
export const clusterWord: PositionalSpec = { name: 'cluster', help: 'Name or id of the cluster.' }
export const hostOption: OptionSpec = {
  names: ['--host'],
  takes: 'one',
  metavar: '<host>',
  help: "Host the user connects from (default: '%', any host).",
}
export const pageOptions: readonly OptionSpec[] = [
  { names: ['--limit'], takes: 'one', metavar: '<limit>', help: 'Show at most this many.' },
  {
    names: ['--marker'],
    takes: 'one',
    metavar: '<ID>',
    help: 'Begin behind this id: the last one of the page before.',
  },
]

/** An option that takes one word. */
export function option(name: string, metavar: string, help: string): OptionSpec {
  return { names: [name], takes: 'one', metavar: `<${metavar}>`, help }
}

/** @throws CofferError `VALUE_INVALID` */
export function wholeNumber(what: string, text: string): number {
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw new CofferError('VALUE_INVALID', `${what}: '${text}' is not a whole number`)
}
