import { iniBoolean, iniList } from '../../lib/ini.ts'
import type { OptionType } from './option.ts'

/** Types of oslo.config that our options have (contract §7.2). */

export const text: OptionType<string> = {
  name: 'text',
  parse: (value) => value,
  print: (value) => value,
}

/** Empty means not set. */
export const optionalText: OptionType<string | undefined> = {
  name: 'text',
  parse: (value) => (value === '' ? undefined : value),
  print: (value) => value ?? '',
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): OptionType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return {
    name: max === 65_535 ? 'port' : 'integer',
    parse: (value) => {
      const digits = value.trim()
      if (digits === '') return undefined
      const number = Number(digits)
      if (!/^[+-]?\d+$/.test(digits) || number < min || number > max) {
        throw new Error(`it must be a whole number ${range}`)
      }
      return number
    },
    print: String,
  }
}

export const port = integer(1, 65_535)

export const flag: OptionType<boolean> = {
  name: 'boolean',
  parse: (value) => {
    const found = iniBoolean(value)
    if (found === undefined) throw new Error('it must be true or false (yes, no, on, off, 1 and 0 will do)')
    return found
  },
  print: (value) => (value ? 'True' : 'False'),
}

export const list: OptionType<readonly string[]> = {
  name: 'list',
  parse: iniList,
  print: (value) => value.join(', '),
}

export function choice<T extends string>(...words: readonly T[]): OptionType<T> {
  return {
    name: words.join(' | '),
    parse: (value) => {
      const found = words.find((word) => word === value)
      if (found === undefined) throw new Error(`it must be one of ${words.join(', ')}`)
      return found
    },
    print: String,
  }
}

export interface PortRange {
  readonly from: number
  readonly to: number
}

/** `3306, 11209-11211`. */
export const portRanges: OptionType<readonly PortRange[]> = {
  name: 'list of ports',
  parse: (value) =>
    (list.parse(value) ?? []).map((item) => {
      const [, from = '', to = from] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(item) ?? []
      const range = { from: Number(from), to: Number(to) }
      if (range.from < 1 || range.to > 65_535 || range.from > range.to) {
        throw new Error('it must be ports from 1 to 65535, or ranges of them, with commas between')
      }
      return range
    }),
  print: (ranges) => ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', '),
}
