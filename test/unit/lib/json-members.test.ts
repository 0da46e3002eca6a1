import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonMembers } from '../../../lib/json-members.ts'

/** Members of a text that arrives in pieces of some bytes. */
async function members(text: string, size = 7, wanted = (_name: string) => true, maxBytes = 1 << 20) {
  const bytes = Buffer.from(text)
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const found: Record<string, unknown> = {}
  for await (const { name, text: value } of jsonMembers(pieces(), { wanted, maxBytes })) {
    Object.defineProperty(found, name, { value: JSON.parse(value), enumerable: true })
  }
  return found
}

test('every member of an object comes out as it went in, however the text is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(undefined, 1),
      async (object, size, indent) => {
        const text = JSON.stringify(object, undefined, indent)
        const found = await members(text, size)
        expect(JSON.stringify(found)).toBe(
          JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)))),
        )
      },
    ),
  )
})

test('what is not wanted is passed over, however large it is', async () => {
  const text = JSON.stringify({ a: 'x'.repeat(5000), b: { c: ['}', '"', '\\"'] }, d: 1 })
  expect(await members(text, 64, (name) => name === 'd', 10)).toEqual({ d: 1 })
})

test.each([
  ['', /there is no JSON object/],
  ['[1]', /at byte 0: "\[" is out of place/],
  ['{"a":1', /ends too early/],
  ['{"a" 1}', /at byte 5: "1" is out of place/],
  ['{"a":1,}', /"}" is out of place/],
  ['{"a":,"b":1}', /"," is out of place/],
  ['{"a":1} x', /"x" is out of place/],
  ['{a:1}', /"a" is out of place/],
  ['{"\\x":1}', /not a JSON string/],
  [`{"a":${'['.repeat(100)}`, /nests deeper than 64 levels/],
  [`{"${'a'.repeat(2000)}":1}`, /name is longer than 1024 bytes/],
  [`{"a":"${'a'.repeat(2000)}"}`, /value of "a" is longer than 1000 bytes/],
])('%s is refused with the place', async (text, message) => {
  await expect(members(text, 7, () => true, 1000)).rejects.toThrow(message)
  await expect(members(text, 7, () => true, 1000)).rejects.toThrow(SyntaxError)
})
