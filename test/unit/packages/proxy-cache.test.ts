import { readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256 } from '../../../lib/hash.ts'
import { through } from './origin.ts'
import { origin, proxy, tempDir } from './setup.ts'

const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT'
const deb = '/debian/pool/main/h/hello/hello_1.0_all.deb'

function blobFile(cacheDir: string, content: string): string {
  const digest = sha256(content)
  return join(cacheDir, 'blobs/sha256', digest.slice(0, 2), digest)
}

test('a package is downloaded once and then served from the store', async () => {
  const mirror = await origin((_, response) => response.end('package'))
  const { url, stats, cacheDir } = await proxy()
  const cold = await through(url, mirror.url + deb)
  const warm = await through(url, mirror.url + deb)
  expect([cold.text, warm.text]).toEqual(['package', 'package'])
  expect(cold.headers['x-coffer-cache']).toBe('miss')
  expect(warm.headers).toMatchObject({ 'x-coffer-cache': 'hit', 'content-length': '7' })
  expect(mirror.requests).toEqual([`GET ${deb}`])
  expect(stats()).toEqual({ hits: 1, misses: 1, bytesFromNetwork: 7, bytesServed: 14 })
  expect((await stat(blobFile(cacheDir, 'package'))).size).toBe(7)
})

test('an index is asked for again every time, and a 304 serves the stored copy', async () => {
  let version = 1
  const mirror = await origin((request, response) => {
    const etag = `"v${version}"`
    if (request.headers['if-none-match'] === etag) return response.writeHead(304).end()
    response.writeHead(200, { etag, 'last-modified': MODIFIED }).end(`release ${version}`)
  })
  const { url, events } = await proxy()
  const index = `${mirror.url}/debian/dists/stable/InRelease`
  expect((await through(url, index)).text).toBe('release 1')
  expect((await through(url, index)).text).toBe('release 1')
  version = 2
  expect((await through(url, index)).text).toBe('release 2')
  expect(events).toEqual(['miss', 'revalidated', 'miss'])
  expect(mirror.seen[1]).toMatchObject({ 'if-none-match': '"v1"', 'if-modified-since': MODIFIED })
})

test('a client that has the current index already gets 304', async () => {
  const mirror = await origin((request, response) => {
    if (request.headers['if-modified-since'] === MODIFIED) return response.writeHead(304).end()
    response.writeHead(200, { 'last-modified': MODIFIED }).end('release')
  })
  const { url } = await proxy()
  const index = `${mirror.url}/debian/dists/stable/InRelease`
  await through(url, index)
  const headers = { 'if-modified-since': MODIFIED }
  expect(await through(url, index, { headers })).toMatchObject({ status: 304, text: '' })
  const older = { 'if-modified-since': 'Sat, 05 Nov 1994 08:49:37 GMT' }
  expect(await through(url, index, { headers: older })).toMatchObject({ status: 200, text: 'release' })
})

test('offline, everything comes from the store, and what is missing is named with a hint', async () => {
  const mirror = await origin((request, response) => response.end(`content of ${request.url}`))
  const online = await proxy()
  const index = `${mirror.url}/debian/dists/stable/InRelease`
  await through(online.url, index)
  await through(online.url, mirror.url + deb)
  await online.close()
  await mirror.close()

  const { url } = await proxy({ cacheDir: online.cacheDir, offline: true })
  expect((await through(url, index)).headers['x-coffer-cache']).toBe('offline')
  expect((await through(url, mirror.url + deb)).text).toBe(`content of ${deb}`)
  const missing = await through(url, `${mirror.url}/debian/pool/other_1.deb`)
  expect(missing.status).toBe(504)
  expect(missing.text).toContain(`${mirror.url}/debian/pool/other_1.deb`)
  expect(missing.text).toContain('build once online to fill the cache')
  expect(missing.reason).toContain('build once online')
})

test('online, an index is never served stale when its mirror is down', async () => {
  const mirror = await origin((_, response) => response.writeHead(200, { etag: '"1"' }).end('release'))
  const { url } = await proxy()
  const index = `${mirror.url}/debian/dists/stable/InRelease`
  await through(url, index)
  await mirror.close()
  const answer = await through(url, index)
  expect(answer.status).toBe(502)
  expect(answer.text).toMatch(/could not be reached: .*ECONNREFUSED/)
})

test('a missing file is passed on and not stored', async () => {
  const mirror = await origin((_, response, count) =>
    count === 1 ? response.writeHead(404, { 'content-type': 'text/html' }).end('gone') : response.end('here'),
  )
  const { url } = await proxy()
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 404, text: 'gone' })
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 200, text: 'here' })
})

test('offline, a file that the mirror did not have is missing in the same way, so that apt goes on', async () => {
  const mirror = await origin((_, response) => response.writeHead(404).end())
  const online = await proxy()
  const index = `${mirror.url}/debian/dists/stable/InRelease`
  await through(online.url, index)
  const { url } = await proxy({ cacheDir: online.cacheDir, offline: true })
  expect((await through(url, index)).status).toBe(404)
  expect((await through(url, `${mirror.url}/debian/dists/stable/Release`)).status).toBe(504)
})

test('a stored file that changed on disk is dropped and fetched again', async () => {
  const mirror = await origin((_, response) => response.end('package'))
  const first = await proxy()
  await through(first.url, mirror.url + deb)
  await through(first.url, mirror.url + deb)
  const path = blobFile(first.cacheDir, 'package')
  const { atime, mtime } = await stat(path)
  await writeFile(path, 'pAckage')
  await utimes(path, atime, mtime)
  expect((await through(first.url, mirror.url + deb)).text).toBe('package')
  await first.close()
  await truncate(path, 3)
  const second = await proxy({ cacheDir: first.cacheDir })
  expect((await through(second.url, mirror.url + deb)).text).toBe('package')
  expect([first.events, second.events]).toEqual([
    ['miss', 'hit', 'damaged', 'miss'],
    ['damaged', 'miss'],
  ])
})

test('an entry that a crash cut short is a plain miss', async () => {
  const mirror = await origin((_, response) => response.end('package'))
  const { url, cacheDir } = await proxy()
  await through(url, mirror.url + deb)
  await through(url, mirror.url + deb)
  for (const name of await readdir(join(cacheDir, 'entries'), { recursive: true })) {
    if (name.endsWith('.json')) await writeFile(join(cacheDir, 'entries', name), '{"url":')
  }
  expect((await through(url, mirror.url + deb)).text).toBe('package')
  expect(mirror.requests).toHaveLength(2)
})

test('a by-hash file with another digest is passed on and not kept', async () => {
  const mirror = await origin((_, response) => response.end('forged'))
  const { url, cacheDir, events, lines } = await proxy()
  const index = `${mirror.url}/debian/dists/stable/main/binary-amd64/by-hash/SHA256/${sha256('genuine')}`
  expect((await through(url, index)).text).toBe('forged')
  expect((await through(url, index)).headers['x-coffer-cache']).toBe('miss')
  expect(events).toContain('different')
  expect(lines.join('\n')).toContain('WARNING: A download has not the digest')
  await expect(stat(blobFile(cacheDir, 'forged'))).rejects.toThrow('ENOENT')
})

test('a package must have the digest that the index served before lists', async () => {
  let content = 'tampered'
  const packages = `Package: hello\nFilename: pool/main/h/hello/hello_1.0_all.deb\nSHA256: ${sha256('genuine')}\n`
  const mirror = await origin((request, response) =>
    response.end(request.url?.endsWith('Packages') ? packages : content),
  )
  const { url, events, cacheDir } = await proxy()
  await through(url, `${mirror.url}/debian/dists/stable/main/binary-all/Packages`)
  expect((await through(url, mirror.url + deb)).text).toBe('tampered')
  content = 'genuine'
  expect((await through(url, mirror.url + deb)).text).toBe('genuine')
  expect((await through(url, mirror.url + deb)).headers['x-coffer-cache']).toBe('hit')
  expect(events).toEqual(['miss', 'miss', 'different', 'miss', 'hit'])
  await expect(stat(blobFile(cacheDir, 'tampered'))).rejects.toThrow('ENOENT')
})

test('a package that was published again under its old name is fetched again once an index says so', async () => {
  let content = 'first upload'
  const mirror = await origin((request, response) => {
    const packages = `Filename: pool/main/h/hello/hello_1.0_all.deb\nSHA256: ${sha256(content)}\n`
    response.end(request.url?.endsWith('Packages') ? packages : content)
  })
  const { url, cacheDir, close } = await proxy()
  const index = `${mirror.url}/debian/dists/stable/main/binary-all/Packages`
  await through(url, index)
  await through(url, mirror.url + deb)
  content = 'second upload'
  await through(url, index)
  expect((await through(url, mirror.url + deb)).text).toBe('second upload')
  await close()
  const later = await proxy({ cacheDir })
  expect((await through(later.url, mirror.url + deb)).headers['x-coffer-cache']).toBe('hit')
})

test('a no-cache request replaces the stored copy', async () => {
  const mirror = await origin((_, response, count) => response.end(`copy ${count}`))
  const { url } = await proxy()
  await through(url, mirror.url + deb)
  await through(url, mirror.url + deb, { headers: { 'cache-control': 'no-cache' } })
  expect((await through(url, mirror.url + deb)).text).toBe('copy 2')
})

test('a private file is served to those who send the same credentials only', async () => {
  const mirror = await origin((request, response) =>
    request.headers.authorization === 'Basic right' ? response.end('private') : response.writeHead(401).end(),
  )
  const { url, cacheDir } = await proxy()
  const headers = { authorization: 'Basic right' }
  await through(url, mirror.url + deb, { headers })
  expect((await through(url, mirror.url + deb, { headers })).headers['x-coffer-cache']).toBe('hit')
  expect((await through(url, mirror.url + deb)).status).toBe(401)
  const offline = await proxy({ cacheDir, offline: true })
  expect((await through(offline.url, mirror.url + deb)).status).toBe(504)
})

test('two processes can fill and use one store', async () => {
  const mirror = await origin((request, response) => response.end(`content of ${request.url}`))
  const cacheDir = await tempDir()
  const [one, two] = [await proxy({ cacheDir }), await proxy({ cacheDir })]
  const names = Array.from({ length: 20 }, (_, n) => `${mirror.url}/debian/pool/p_${n}.deb`)
  await Promise.all(names.flatMap((name) => [through(one.url, name), through(two.url, name)]))
  await mirror.close()
  for (const name of names) expect((await through(one.url, name)).headers['x-coffer-cache']).toBe('hit')
  expect(await readdir(join(cacheDir, 'tmp'))).toEqual([])
})
