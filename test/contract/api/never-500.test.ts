import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type TestApi, testApi } from '../../unit/runtime/api/support.ts'
import { type Operation, pathOf, tenantOperations } from './operations.ts'

const operations = await tenantOperations()

/** Statuses that are answers to what somebody asked; 500 and 503 are about the service. */
const isAnswer = (status: number) => status < 500 || status === 501

/** A body with one value somewhere in it replaced. */
function mutated(body: unknown, steps: readonly number[], value: unknown): unknown {
  const [step = 0, ...rest] = steps
  if (typeof body !== 'object' || body === null || step === 0) return value
  if (Array.isArray(body)) return [...body, mutated(body[0], rest, value)]
  const keys = Object.keys(body)
  const key = keys[step % (keys.length + 1)] ?? 'extra'
  return { ...body, [key]: mutated((body as Record<string, unknown>)[key], rest, value) }
}

const word = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '%',
    '%00',
    '__proto__',
    'constructor',
    "'; DROP TABLE instances; --",
    '-1',
    '1e400',
    'é'.repeat(300),
  ),
)
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  word,
  fc.constantFrom(null, -1, 0, 1.5, 1e308, 2 ** 53, 2 ** 64, true, [], {}, [[]], [null], [{}]),
)

const request = fc.record({
  operation: fc.constantFrom(...operations),
  who: fc.constantFrom('alice', 'alice', 'admin'),
  names: fc.dictionary(fc.constantFrom('name', 'database', 'datastore', 'version', 'flavor', 'tenant'), word),
  ownId: fc.boolean(),
  id: word,
  query: fc.dictionary(
    fc.constantFrom('limit', 'marker', 'include_clustered', 'deleted', 'project_id'),
    word,
  ),
  steps: fc.array(fc.nat({ max: 5 }), { maxLength: 5 }),
  value,
  whole: fc.boolean(),
})

async function send(
  api: TestApi,
  instances: Readonly<Record<string, string>>,
  { operation, who, names, ownId, id, query, steps, value: wrong, whole }: RequestShape,
) {
  const path = pathOf(operation, { ...names, id: (ownId ? instances[who] : id.toWellFormed()) ?? '' })
  const search = new URLSearchParams(query).toString()
  const body = bodyOf(operation, whole, steps, wrong)
  return await api.ask(who, operation.method, search === '' ? path : `${path}?${search}`, body)
}

interface RequestShape {
  readonly operation: Operation
  readonly who: string
  readonly names: Record<string, string>
  readonly ownId: boolean
  readonly id: string
  readonly query: Record<string, string>
  readonly steps: readonly number[]
  readonly value: unknown
  readonly whole: boolean
}

function bodyOf(operation: Operation, whole: boolean, steps: readonly number[], wrong: unknown): unknown {
  if (operation.example === undefined) return undefined
  return whole ? operation.example : JSON.stringify(mutated(operation.example, steps, wrong) ?? null)
}

test('no input makes a 500: every route, every project, ids, names, queries and bodies of any kind', async () => {
  const limits = { maxInstancesPerTenant: -1, maxVolumesPerTenant: -1 }
  const api = await testApi(limits)
  api.rpc.answer = (method) => (method.startsWith('list_') ? [[], null] : null)
  const instances = { alice: await api.running(), admin: await api.running({ who: 'admin' }) }
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(request, async (one) => {
      const shape = { ...one, names: wellFormed(one.names), query: wellFormed(one.query) }
      const { status, body } = await send(api, instances, shape)
      seen.add(status)
      expect(isAnswer(status), JSON.stringify(body)).toBe(true)
      if (status < 400) return
      // Every refusal is a fault that clients understand.
      const [fault] = Object.values(body) as { code: number; message: string }[]
      expect(fault?.code).toBe(status)
      expect(typeof fault?.message).toBe('string')
    }),
    { numRuns: 2500 },
  )
  // The suite is worth something only if it gets past the first checks too.
  for (const status of [200, 202, 400, 404, 422]) expect([...seen]).toContain(status)
})

const wellFormed = (texts: Record<string, string>) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.toWellFormed()]))
