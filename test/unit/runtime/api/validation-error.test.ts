import fc from 'fast-check'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { pythonText } from '../../../../runtime/api/frame/python-text.ts'
import { schemaValidation } from '../../../../runtime/api/frame/validation-error.ts'
import { createInstanceBody } from '../../../../runtime/api/schemas/instance.ts'

/** The message for a body that a schema refuses, by the validator that the service uses. */
async function messageFor(schema: object, body: unknown): Promise<string> {
  const app = Fastify({ ...schemaValidation })
  app.post('/', { schema: { body: schema } }, async () => ({ message: 'accepted' }))
  const answer = await app.inject({ method: 'POST', url: '/', payload: body as object })
  return answer.json().message
}

const create = (instance: object) => messageFor(createInstanceBody, { instance })
const fine = { name: 'm1', flavorRef: '2' }

describe('a body that its schema refuses is answered in the words of python-jsonschema', () => {
  test.each([
    [{ ...fine, volume: {} }, "instance['volume'] 'size' is a required property"],
    [
      { ...fine, volume: { size: 0 } },
      "instance['volume']['size'] 0 is not valid under any of the given schemas; 0 is less than the minimum of 1; 0 is not of type 'string'",
    ],
    [
      { ...fine, name: '' },
      "instance['name'] '' is too short; instance['name'] '' does not match '[0-9a-zA-Z]'",
    ],
    [{ ...fine, name: 5 }, "instance['name'] 5 is not of type 'string'"],
    [{ ...fine, name: 'é' }, "instance['name'] 'é' does not match '[0-9a-zA-Z]'"],
    [{ ...fine, databases: [{}] }, "instance['databases'][0] 'name' is a required property"],
    [
      { ...fine, databases: [{ name: true }] },
      "instance['databases'][0]['name'] True is not of type 'string'",
    ],
    [{ ...fine, users: { a: null } }, "instance['users'] {'a': None} is not of type 'array'"],
    [{ ...fine, nics: [{}, {}] }, "instance['nics'] [{}, {}] is too long"],
    [{ ...fine, replica_count: 4 }, "instance['replica_count'] 4 is greater than the maximum of 3"],
  ])('%j', async (instance, words) => {
    expect(await create(instance)).toBe(`Validation error: ${words}`)
  })

  test('the errors are sorted by their places', async () => {
    expect(await create({ name: 1, flavorRef: null, users: 2 })).toMatch(
      /instance\['flavorRef'\].*instance\['name'\].*instance\['users'\]/,
    )
  })

  test('an error at the root has no place', async () => {
    expect(await messageFor(createInstanceBody, {})).toBe(
      "Validation error: 'instance' is a required property",
    )
  })

  test('a key that no schema knows is named', async () => {
    const closed = { type: 'object', additionalProperties: false, properties: {} }
    expect(await messageFor(closed, { a: 1 })).toBe(
      "Validation error: Additional properties are not allowed ('a' was unexpected)",
    )
  })

  test('a password is not repeated', async () => {
    const users = [{ name: 'u', password: ['s3cret'] }, 's', { password: 's3cret' }]
    expect(await create({ ...fine, users })).not.toContain('s3cret')
    expect(await create({ ...fine, users: { u: { password: 's3cret' } } })).not.toContain('s3cret')
  })

  test('thousands of errors make a short message', async () => {
    const message = await create({ ...fine, databases: Array.from({ length: 5000 }, () => ({})) })
    expect(message.length).toBeLessThan(2000)
  })
})

describe('values as Python prints them', () => {
  test.each([
    [null, 'None'],
    [true, 'True'],
    [1.5, '1.5'],
    ["it's", `"it's"`],
    [`"'`, `'"\\''`],
    ['a\nb\\', "'a\\nb\\\\'"],
    [['a', 1], "['a', 1]"],
    [{ a: { b: [] } }, "{'a': {'b': []}}"],
  ])('%j is %s', (value, text) => {
    expect(pythonText(value)).toBe(text)
  })

  test('nothing makes it fail, or long', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(pythonText(value).isWellFormed()).toBe(true)
      }),
    )
    expect(pythonText('x'.repeat(100_000)).length).toBeLessThan(300)
    let deep: unknown = 1
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep]
    expect(pythonText(deep)).toBe('[[[[[…]]]]]')
  })
})
