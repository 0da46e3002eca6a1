import type { Json } from '../commands/types.ts'

/** What Node 24 has and TypeScript's library does not describe yet. */
const native = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

/**
 * Reads JSON without losing digits: integers beyond 2^53 become bigints (rules of configuration groups reach 2^64, contract §1.7).
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): Json {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json
  return native.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source ?? '')
      : value,
  ) as Json
}

/** Writes JSON, bigints as the integers they are. */
export function writeJson(value: Json, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, each: unknown) => (typeof each === 'bigint' ? native.rawJSON(String(each)) : each),
    indent,
  )
}
