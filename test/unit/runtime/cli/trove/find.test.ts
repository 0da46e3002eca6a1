import { afterEach, expect, test } from 'vitest'
import { bookRoutes, M1 } from './book-service.ts'
import { type CannedService, type Routes, startCannedService } from './canned-service.ts'
import { openrc, trove } from './run.ts'

let service: CannedService | undefined
afterEach(() => service?.stop())

async function run(routes: Routes, line: string) {
  service = await startCannedService(routes)
  const ran = await trove(line, openrc(service.url))
  return { ...ran, calls: service.seen.slice(1).map(({ method, path }) => `${method} ${path}`) }
}

const instance = (id: string, name: string) => ({ id, name, status: 'ACTIVE' })
const [A, B, C] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-1111-4111-8111-111111111111`)

test('an id is asked for at once', async () => {
  const { calls } = await run(bookRoutes, `restart ${M1}`)
  expect(calls).toEqual([`GET /instances/${M1}`, `POST /instances/${M1}/action`])
})

test('a name is looked up in the list, members of clusters included', async () => {
  const { calls } = await run(bookRoutes, 'restart m1')
  expect(calls).toEqual(['GET /instances?include_clustered=True', `POST /instances/${M1}/action`])
})

test('a name that looks like an id is found too', async () => {
  const odd = 'ffffffff-1111-4111-8111-111111111111'
  const routes = {
    'GET /instances': { body: { instances: [instance(M1, odd)] } },
    [`DELETE /instances/${M1}`]: { status: 202 },
  }
  const { code, calls } = await run(routes, `delete ${odd}`)
  expect(code).toBe(0)
  expect(calls.at(-1)).toBe(`DELETE /instances/${M1}`)
})

test('a name on a later page is found; the marker goes back as it came after decoding it once', async () => {
  const next = 'https://h/v1.0/p/instances?include_clustered=True&marker=x%2540y&limit=1'
  const { code, calls } = await run(
    {
      'GET /instances': ({ path }) =>
        path.includes('marker=')
          ? { body: { instances: [instance(B ?? '', 'two')] } }
          : { body: { instances: [instance(A ?? '', 'one')], links: [{ rel: 'next', href: next }] } },
      [`DELETE /instances/${B}`]: { status: 202 },
    },
    'delete two',
  )
  expect(code).toBe(0)
  expect(calls[1]).toBe('GET /instances?marker=x%40y&include_clustered=True')
})

test('nothing of that name is an error of one line', async () => {
  const { code, stdout, stderr } = await run(bookRoutes, 'show 64f32200-9da1-44af-b6c6-5e5b01ec0399')
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: "ERROR: No instance with a name or ID of '64f32200-9da1-44af-b6c6-5e5b01ec0399' exists.\n",
  })
})

test('two of one name are an error that gives their ids', async () => {
  const routes = {
    'GET /instances': {
      body: { instances: [instance(A ?? '', 'x'), instance(B ?? '', 'x'), instance(C ?? '', 'y')] },
    },
  }
  const { code, stderr, calls } = await run(routes, 'delete x')
  expect(code).toBe(1)
  expect(stderr).toBe(
    `ERROR: Multiple instance matches found for 'x', use an ID to be more specific.\nhint: their ids are: ${A}, ${B}\n`,
  )
  expect(calls).toHaveLength(1)
})

test('a failure of the service while looking is not taken for a missing object', async () => {
  const routes = {
    'GET /flavors/2': { status: 500, body: { instanceFault: { code: 500, message: 'broken' } } },
  }
  expect((await run(routes, 'flavor-show 2')).stderr).toBe('ERROR: broken (HTTP 500)\n')
})

test('a flavor whose id is no number is named by its text', async () => {
  const { calls } = await run(bookRoutes, 'create m7 m1.big --size 1')
  expect(calls).toEqual(['GET /flavors/m1.big', 'GET /flavors', 'POST /instances'])
  expect(service?.last('POST /instances')?.body).toMatchObject({ instance: { flavorRef: 'big' } })
})

test('one page is enough when a limit is given', async () => {
  const links = [{ rel: 'next', href: 'https://h/v1.0/p/instances?marker=a&limit=1' }]
  const routes = { 'GET /instances': { body: { instances: [instance(A ?? '', 'one')], links } } }
  expect((await run(routes, 'list --limit 1')).calls).toEqual([
    'GET /instances?limit=1&include_clustered=False',
  ])
})

test('a service whose pages go in circles does not hold us', async () => {
  const links = [{ rel: 'next', href: 'https://h/v1.0/p/backups?marker=2' }]
  const { code, calls } = await run({ 'GET /backups': { body: { backups: [], links } } }, 'backup-list')
  expect(code).toBe(0)
  expect(calls).toEqual(['GET /backups', 'GET /backups?marker=2'])
})

test('root-show looks for a cluster when there is no such instance', async () => {
  const { calls } = await run(bookRoutes, 'root-show mongo1')
  expect(calls.at(-1)).toBe('GET /clusters/d670484f-88b4-4465-888a-3b8bc0b0bdfc/root')
  await service?.stop()
  expect((await run(bookRoutes, 'root-show nope')).stderr).toBe(
    "ERROR: No instance or cluster with a name or ID of 'nope' exists.\n",
  )
})
