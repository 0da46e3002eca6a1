import { describe, expect, test } from 'vitest'
import { testApi } from './support.ts'

/** Far above what a body may take, far below what an attack aims at; slow machines included. */
const SOON_MS = 3000

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const began = performance.now()
  const result = await work()
  return { result, ms: performance.now() - began }
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe('a body made to keep the service busy', () => {
  test('with very many databases to grant is answered soon', async () => {
    const { ask, running, rpc } = await testApi()
    const id = await running()
    rpc.answer = () => null
    const databases = Array.from({ length: 40_000 }, (_, n) => ({ name: `db${n}` }))
    const { result, ms } = await timed(() =>
      ask('alice', 'PUT', `/instances/${id}/users/u/databases`, { databases }),
    )
    expect(result.status).toBe(202)
    expect(ms).toBeLessThan(SOON_MS)
  })

  test('with very many wrong values is answered soon, with the first of them', async () => {
    const { ask, running } = await testApi()
    const id = await running()
    const body = `{"databases":[${Array(49_000).fill('1').join(',')}]}`
    const { result, ms } = await timed(() => ask('alice', 'POST', `/instances/${id}/databases`, body))
    expect(result.status).toBe(400)
    expect(result.body.badRequest.message).toContain("databases[0] 1 is not of type 'object'")
    expect(ms).toBeLessThan(SOON_MS)
  })

  test('of nothing but values is refused before it is parsed', async () => {
    const { ask } = await testApi()
    const { result, ms } = await timed(() =>
      ask('alice', 'POST', '/instances', `[${Array(500_000).fill('1').join(',')}]`),
    )
    expect(result.status).toBe(400)
    expect(ms).toBeLessThan(SOON_MS)
  })

  test.each([65, 1000, 100_000])('nested %i deep is refused with 400', async (depth) => {
    const { ask } = await testApi()
    const start = '{"instance":{"name":"m1","flavorRef":"2","volume":{"size":1},"nics":['
    expect((await ask('alice', 'POST', '/instances', `${start}${nested(depth)}]}}`)).status).toBe(400)
  })

  test('brackets, commas and quotes inside of texts are no structure', async () => {
    const { ask } = await testApi()
    const name = `m ${'[{'.repeat(60)}\\"${',['.repeat(40)}`
    const body = `{"instance":{"name":"${name}","flavorRef":"2","volume":{"size":1}}}`
    const { status, body: answer } = await ask('alice', 'POST', '/instances', body)
    expect(status).toBe(200)
    expect(answer.instance.name).toBe(JSON.parse(`"${name}"`))
  })
})

test('the same database twice in a list is still refused', async () => {
  const { ask, running } = await testApi()
  const id = await running()
  const databases = [{ name: 'db1' }, { name: 'db1' }]
  const { status, body } = await ask('alice', 'PUT', `/instances/${id}/users/u/databases`, { databases })
  expect(status).toBe(400)
  expect(body.badRequest.message).toContain('has non-unique elements')
})
