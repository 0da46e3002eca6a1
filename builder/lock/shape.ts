import { printableLine } from '../../lib/printable.ts'

/** A value that has not the shape it must have. */
export class WrongShape extends Error {}

/** Reads a value of unknown origin. `where` names it in errors. @throws WrongShape */
export type Shape<T> = (value: unknown, where: string) => T

/** Text that a pattern describes. Never longer than 2000 characters, never a control character. */
export function text(what: string, pattern: RegExp = /^.*$/): Shape<string> {
  return (value, where) => {
    if (typeof value === 'string' && value !== '' && value.length <= 2000) {
      if (pattern.test(value) && printableLine(value) === value) return value
    }
    throw new WrongShape(`${where} is not ${what}`)
  }
}

/** A whole number from `least` to what a double holds exactly. */
export function wholeNumber(least = 0): Shape<number> {
  return (value, where) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    throw new WrongShape(`${where} is not a whole number`)
  }
}

/** Exactly this value. */
export function exactly<const T extends string | number | boolean>(wanted: T): Shape<T> {
  return (value, where) => {
    if (value === wanted) return wanted
    throw new WrongShape(`${where} is not ${String(wanted)}`)
  }
}

export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new WrongShape(`${where} is not a list`)
    return value.map((one: unknown, at) => item(one, `${where}[${at}]`))
  }
}

/** An object whose keys are data. */
export function mapOf<T>(key: Shape<string>, item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, where) =>
    Object.fromEntries(
      entriesOf(value, where).map(([name, one]) => [
        key(name, `a key of ${where}`),
        item(one, `${where}.${name}`),
      ]),
    )
}

type Fields = Readonly<Record<string, Shape<unknown>>>
type Values<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> }

/** An object with these fields and no others. */
export function fields<R extends Fields, O extends Fields>(
  required: R,
  optional: O,
): Shape<Values<R> & Partial<Values<O>>> {
  return (value, where) => {
    const given = new Map(entriesOf(value, where))
    for (const name of Object.keys(required)) {
      if (!given.has(name)) throw new WrongShape(`${whole(where)} has no ${name}`)
    }
    const read = [...given].map(([name, one]) => {
      const shape = Object.hasOwn(required, name)
        ? required[name]
        : Object.hasOwn(optional, name)
          ? optional[name]
          : undefined
      if (shape === undefined)
        throw new WrongShape(`${whole(where)} has a field that is not known: ${shown(name)}`)
      return [name, shape(one, where === '' ? name : `${where}.${name}`)] as const
    })
    return Object.fromEntries(read) as Values<R> & Partial<Values<O>>
  }
}

function entriesOf(value: unknown, where: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value)
  throw new WrongShape(`${whole(where)} is not an object`)
}

function whole(where: string): string {
  return where === '' ? 'it' : where
}

function shown(name: string): string {
  return printableLine(name).slice(0, 60)
}
