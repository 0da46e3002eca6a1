import { readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstServed, type Pin, type Served } from '../../../builder/packages/pins.ts'
import { newestReleaseDate } from '../../../builder/packages/release-dates.ts'
import { sha256 } from '../../../lib/hash.ts'
import { publish, serveArchive } from './archive.ts'
import { through } from './origin.ts'
import { origin, proxy, tempDir } from './setup.ts'

const deb = '/debian/pool/main/h/hello/hello_1.0_all.deb'
const index = '/debian/dists/stable/InRelease'
const content = (text: string, secret = false): Pin => ({
  kind: 'content',
  digest: sha256(text),
  size: text.length,
  private: secret,
})
const blob = (cacheDir: string, text: string) =>
  join(cacheDir, 'blobs/sha256', sha256(text).slice(0, 2), sha256(text))

test('every answer is told with its digest, in order, also what came from the store or was not there', async () => {
  const served: Served[] = []
  const mirror = await origin((request, response) => {
    if (request.url?.endsWith('/Release') === true) return response.writeHead(404).end()
    if (request.headers['if-none-match'] === '"1"') return response.writeHead(304).end()
    response.writeHead(200, { etag: '"1"' }).end(request.url)
  })
  const { url, settled } = await proxy({ onServed: (answer) => served.push(answer) })
  await through(url, mirror.url + index)
  await settled()
  await through(url, mirror.url + index)
  await through(url, mirror.url + index, { headers: { 'if-none-match': '"1"' } })
  await through(url, `${mirror.url}/debian/dists/stable/Release`)
  await through(url, mirror.url + deb, { headers: { authorization: 'Basic x' } })
  await settled()
  const known = { url: mirror.url + index, digest: sha256(index), size: index.length }
  expect(served).toEqual([
    { ...known, status: 200 },
    { ...known, status: 200 },
    { ...known, status: 304 },
    { url: `${mirror.url}/debian/dists/stable/Release`, status: 404 },
    { url: mirror.url + deb, status: 200, digest: sha256(deb), size: deb.length, private: true },
  ])
})

test('a refusal of the proxy itself is told to nobody as an answer of the mirror', async () => {
  const served: Served[] = []
  const { url, settled } = await proxy({ offline: true, onServed: (answer) => served.push(answer) })
  expect((await through(url, `http://127.0.0.1:1${deb}`)).status).toBe(504)
  await settled()
  expect(served).toEqual([])
})

test('what is pinned comes from the store, whatever the mirror has by now', async () => {
  let text = 'old'
  const mirror = await origin((_, response) => response.end(text))
  const first = await proxy()
  await through(first.url, mirror.url + index)
  text = 'new'
  await through(first.url, mirror.url + index)
  await first.close()
  const { url } = await proxy({ cacheDir: first.cacheDir, pins: () => content('old') })
  expect(await through(url, mirror.url + index)).toMatchObject({ status: 200, text: 'old' })
  expect(mirror.requests).toHaveLength(2)
  const unlocked = await proxy({ cacheDir: first.cacheDir, offline: true })
  expect((await through(unlocked.url, mirror.url + index)).text).toBe('new')
})

test('what the store lacks comes from the mirror, checked', async () => {
  const mirror = await origin((_, response) => response.end('old'))
  const { url, cacheDir } = await proxy({ pins: () => content('old') })
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 200, text: 'old' })
  await rm(blob(cacheDir, 'old'))
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 200, text: 'old' })
  expect(mirror.requests).toHaveLength(2)
})

test('other bytes of the mirror reach no client and no store, and the reason says what to do', async () => {
  const refused: string[] = []
  const mirror = await origin((_, response) => response.end('new'))
  const { url, cacheDir } = await proxy({
    pins: () => content('old'),
    onRefused: (reason) => refused.push(reason),
  })
  const answer = await through(url, mirror.url + deb)
  expect(answer.status).toBe(409)
  expect(answer.reason).toContain(`The mirror has moved on: ${mirror.url + deb} is not what the lock names`)
  expect(answer.text).toMatch(/hint: .*snapshot mirror of its date, or make the lock anew/)
  expect(refused).toEqual([answer.text.trim()])
  expect((await through(url, mirror.url + deb)).status).toBe(409)
  expect(mirror.requests).toHaveLength(1)
  expect(await readdir(join(cacheDir, 'blobs/sha256'))).toEqual([])
})

test('a file that the mirror dropped is refused as moved on', async () => {
  const mirror = await origin((_, response) => response.writeHead(404).end())
  const { url } = await proxy({ pins: () => content('old') })
  expect(await through(url, mirror.url + deb)).toMatchObject({
    status: 409,
    text: expect.stringContaining('the mirror answered 404'),
  })
})

test('offline, what the store lacks is named', async () => {
  const { url } = await proxy({ offline: true, pins: () => content('old') })
  expect(await through(url, `http://127.0.0.1:1${deb}`)).toMatchObject({
    status: 504,
    text: expect.stringContaining('what the lock names is not in the cache'),
  })
})

test('a slow download goes out while it comes, but for the last byte, which waits for the digest', async () => {
  const text = 'a'.repeat(200_000)
  const slowly = (body: string) =>
    origin((_, response) => {
      response.writeHead(200, { 'content-length': body.length })
      response.write(body.slice(0, 100_000))
      setTimeout(() => response.end(body.slice(100_000)), 150)
    })
  const right = await slowly(text)
  const { url } = await proxy({ pins: () => content(text), patienceMs: 20 })
  expect((await through(url, right.url + deb)).text).toBe(text)

  const wrong = await slowly(`${text.slice(1)}b`)
  const other = await proxy({ pins: () => content(text), patienceMs: 20 })
  await expect(through(other.url, wrong.url + deb)).rejects.toThrow(/aborted|hang up|ECONNRESET/)
  expect((await through(other.url, wrong.url + deb)).status).toBe(409)
})

test('what was absent stays absent, and what nothing is pinned to can be refused', async () => {
  const mirror = await origin((_, response) => response.end('here by now'))
  const { url } = await proxy({
    pins: (address) =>
      address.endsWith('InRelease')
        ? { kind: 'absent', status: 404 }
        : { kind: 'refused', reason: 'not in the lock' },
  })
  expect((await through(url, mirror.url + index)).status).toBe(404)
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 403, text: 'not in the lock\n' })
  expect(mirror.requests).toEqual([])
})

test('a private file is served from the store to whoever sends its credentials only', async () => {
  const mirror = await origin((request, response) =>
    request.headers.authorization === 'Basic mine'
      ? response.end('old')
      : response.writeHead(401).end('who are you?'),
  )
  const mine = { headers: { authorization: 'Basic mine' } }
  const { url } = await proxy({ pins: () => content('old', true) })
  expect((await through(url, mirror.url + deb, mine)).text).toBe('old')
  expect((await through(url, mirror.url + deb, mine)).text).toBe('old')
  expect(mirror.requests).toHaveLength(1)
  expect((await through(url, mirror.url + deb)).status).toBe(409)
})

test('pinned to what it gave first, an index does not change while a build runs', async () => {
  let text = 'first'
  const served: Served[] = []
  const mirror = await origin((_, response) => response.end(text))
  const { url, settled } = await proxy({
    onServed: (answer) => served.push(answer),
    pins: firstServed(served),
  })
  await through(url, mirror.url + index)
  await settled()
  text = 'second'
  expect((await through(url, mirror.url + index)).text).toBe('first')
  expect(mirror.requests).toHaveLength(1)
})

test('without tunnels CONNECT is refused, with the way round', async () => {
  const { url } = await proxy({ tunnels: false })
  const { port } = new URL(url)
  const text = await new Promise<string>((resolve) => {
    let all = ''
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write('CONNECT mirror.example:443 HTTP/1.1\r\n\r\n'),
    )
    socket.on('data', (data) => {
      all += data.toString()
    })
    socket.on('end', () => resolve(all))
  })
  expect(text).toMatch(/^HTTP\/1.1 403 https:\/\/mirror.example:443 would pass unseen/)
  expect(text).toContain('http://PROXY/https/mirror.example/')
})

test('an https mirror is also known under a name that clients of http can use', async () => {
  const { url } = await proxy({ offline: true })
  const answer = await through(url, 'http://https.coffer.invalid/mirror.example:8443/debian/x.deb')
  expect(answer.text).toContain('not in the cache: https://mirror.example:8443/debian/x.deb')
})

test('the newest date of the Release files that passed is there for the build and its processes', async () => {
  const directory = await tempDir()
  await publish(directory, 'stable', { date: new Date('2026-01-02T03:04:05Z'), components: { main: [] } })
  await publish(directory, 'security', { date: new Date('2026-02-02T03:04:05Z'), components: { main: [] } })
  const mirror = await serveArchive(directory)
  const running = await proxy()
  expect(await running.newestReleaseDate()).toBeUndefined()
  expect(await newestReleaseDate(running.url)).toBeUndefined()
  await through(running.url, `${mirror.url}/dists/security/InRelease`)
  await through(running.url, `${mirror.url}/dists/stable/InRelease`)
  expect((await running.newestReleaseDate())?.toISOString()).toBe('2026-02-02T03:04:05.000Z')
  expect((await newestReleaseDate(running.url))?.toISOString()).toBe('2026-02-02T03:04:05.000Z')
})
