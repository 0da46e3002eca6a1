import { readdir } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { through } from './origin.ts'
import { origin, proxy } from './setup.ts'

const deb = '/debian/pool/main/b/big/big_1.0_all.deb'
const big = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz')

test('a mirror that fails for a moment is asked again', async () => {
  const mirror = await origin((_, response, count) =>
    count === 1 ? response.writeHead(500).end('oops') : response.end('package'),
  )
  const { url, events } = await proxy()
  expect(await through(url, mirror.url + deb)).toMatchObject({ status: 200, text: 'package' })
  expect(events).toEqual(['retry', 'miss'])
})

test('a mirror that keeps failing ends in 502 with its reason', async () => {
  const mirror = await origin((_, response) => response.writeHead(503, 'Maintenance').end())
  const { url } = await proxy()
  const answer = await through(url, mirror.url + deb)
  expect(answer).toMatchObject({ status: 502 })
  expect(answer.reason).toContain('the mirror answered 503 Maintenance')
  expect(mirror.requests).toHaveLength(3)
})

test('a download that breaks off goes on where it stopped, unseen by the client', async () => {
  const mirror = await origin((request, response, count) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const headers = { etag: '"1"', 'content-length': big.length - start }
    if (count === 1) {
      response.writeHead(200, headers)
      response.write(big.subarray(0, 1_000_000), () => response.destroy())
    } else {
      const range = { 'content-range': `bytes ${start}-${big.length - 1}/${big.length}` }
      response.writeHead(206, { ...headers, ...range }).end(big.subarray(start))
    }
  })
  const { url, stats } = await proxy()
  expect((await through(url, mirror.url + deb)).body.equals(big)).toBe(true)
  expect((await through(url, mirror.url + deb)).body.equals(big)).toBe(true)
  expect(mirror.seen[1]).toMatchObject({ range: expect.stringMatching(/^bytes=\d+-$/), 'if-range': '"1"' })
  expect(stats()).toMatchObject({ hits: 1, misses: 1, bytesFromNetwork: big.length })
})

test('a mirror without ranges sends the file again, and the client still gets each byte once', async () => {
  const mirror = await origin((_, response, count) => {
    response.writeHead(200, { 'content-length': big.length })
    if (count < 3) response.write(big.subarray(0, 900_000 * count), () => response.destroy())
    else response.end(big)
  })
  const { url } = await proxy()
  expect((await through(url, mirror.url + deb)).body.equals(big)).toBe(true)
  expect((await through(url, mirror.url + deb)).headers['x-coffer-cache']).toBe('hit')
})

test('two different contents are never mixed: the client sees a broken download and nothing is kept', async () => {
  const other = Buffer.from(big).fill('X', 10, 20)
  const mirror = await origin((_, response, count) => {
    response.writeHead(200, { 'content-length': big.length })
    if (count === 1)
      response.write(big.subarray(0, 1_000_000), () => setTimeout(() => response.destroy(), 100))
    else response.end(other)
  })
  const { url, cacheDir } = await proxy()
  await expect(through(url, mirror.url + deb)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
  await expect.poll(() => readdir(join(cacheDir, 'tmp'))).toEqual([])
  expect(await readdir(join(cacheDir, 'blobs/sha256'))).toEqual([])
})

test('a body that stays short is never stored', async () => {
  const mirror = await origin((_, response) => {
    response.writeHead(200, { 'content-length': big.length })
    response.write(big.subarray(0, 1000), () => response.destroy())
  })
  const { url, cacheDir } = await proxy()
  await expect(through(url, mirror.url + deb)).rejects.toThrow()
  expect(mirror.requests).toHaveLength(3)
  expect(await readdir(join(cacheDir, 'blobs/sha256'))).toEqual([])
})

test('a body whose end cannot be told is passed on and not stored', async () => {
  const mirror = await origin((_, response) => {
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, { connection: 'close' }).end('who knows')
  })
  const { url } = await proxy()
  expect((await through(url, mirror.url + deb)).text).toBe('who knows')
  expect((await through(url, mirror.url + deb)).headers['x-coffer-cache']).toBe('miss')
})

test('a mirror that goes silent is given up', async () => {
  const mirror = await origin(() => {})
  const { url } = await proxy({ idleMs: 50, retry: { attempts: 2, delayMs: 1 } })
  expect((await through(url, mirror.url + deb)).text).toContain('no data for 0.05 s')
})

test('parallel requests for one file cost one download, and the first byte comes before the last is there', async () => {
  const release = Promise.withResolvers<void>()
  const mirror = await origin((_, response) => {
    response.writeHead(200, { 'content-length': big.length })
    response.write(big.subarray(0, 500_000))
    void release.promise.then(() => response.end(big.subarray(500_000)))
  })
  const { url, stats } = await proxy()
  const { port } = new URL(url)
  await new Promise<void>((resolve) => {
    get({ port, host: '127.0.0.1', path: mirror.url + deb }, (early) => early.once('data', () => resolve()))
  })
  const all = Promise.all(Array.from({ length: 10 }, () => through(url, mirror.url + deb)))
  await sleep(50)
  release.resolve()
  for (const answer of await all) expect(answer.body.equals(big)).toBe(true)
  expect(mirror.requests).toHaveLength(1)
  expect(stats()).toMatchObject({ hits: 10, misses: 1, bytesFromNetwork: big.length })
})

test('requests that apt sends ahead on one connection are fetched side by side and answered in order', async () => {
  let atOnce = 0
  let most = 0
  const mirror = await origin(async (request, response) => {
    most = Math.max(most, ++atOnce)
    await sleep(60)
    atOnce -= 1
    response.end(`<${request.url}>`)
  })
  const { url } = await proxy()
  const names = Array.from({ length: 6 }, (_, n) => `/debian/pool/p_${n}.deb`)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', (data) => {
    text += String(data)
  })
  for (const name of names) socket.write(`GET ${mirror.url}${name} HTTP/1.1\r\nHost: ${mirror.host}\r\n\r\n`)
  await expect.poll(() => text.match(/<[^>]+>/g) ?? []).toEqual(names.map((name) => `<${name}>`))
  expect(most).toBeGreaterThan(3)
})

test('a client that leaves early spoils nothing: the download ends and serves the next one', async () => {
  const mirror = await origin((_, response) => {
    response.writeHead(200, { 'content-length': big.length })
    response.write(big.subarray(0, 600_000))
    setTimeout(() => response.end(big.subarray(600_000)), 100)
  })
  const { url, events } = await proxy()
  const { port } = new URL(url)
  await new Promise<void>((resolve) => {
    const request = get({ port, host: '127.0.0.1', path: mirror.url + deb }, (answer) => {
      answer.once('data', () => {
        request.destroy()
        resolve()
      })
    })
    request.on('error', () => {})
  })
  expect((await through(url, mirror.url + deb)).body.equals(big)).toBe(true)
  await expect.poll(async () => (await through(url, mirror.url + deb)).headers['x-coffer-cache']).toBe('hit')
  expect(mirror.requests).toHaveLength(1)
  expect(events[0]).toBe('miss')
})

test('closing in the middle of a download leaves nothing half done', async () => {
  const mirror = await origin((_, response) => {
    response.writeHead(200, { 'content-length': big.length })
    response.write(big.subarray(0, 600_000))
  })
  const { url, cacheDir, close } = await proxy()
  const cut = through(url, mirror.url + deb)
  cut.catch(() => {})
  await expect.poll(() => readdir(join(cacheDir, 'tmp'))).toHaveLength(1)
  await close()
  await expect(cut).rejects.toThrow()
  expect(await readdir(join(cacheDir, 'tmp'))).toEqual([])
})

test('a part of a stored file can be asked for, as apt does after an interrupted download', async () => {
  const mirror = await origin((_, response) => response.writeHead(200, { etag: '"1"' }).end('0123456789'))
  const { url } = await proxy()
  const ask = (headers: Record<string, string>) => through(url, mirror.url + deb, { headers })
  expect(await ask({ range: 'bytes=4-' })).toMatchObject({ status: 200, text: '0123456789' })
  expect(await ask({ range: 'bytes=4-', 'if-range': '"1"' })).toMatchObject({
    status: 206,
    text: '456789',
    headers: { 'content-range': 'bytes 4-9/10', 'content-length': '6' },
  })
  expect(await ask({ range: 'bytes=4-', 'if-range': '"2"' })).toMatchObject({ status: 200 })
  expect(await ask({ range: 'bytes=10-' })).toMatchObject({
    status: 416,
    headers: { 'content-range': 'bytes */10' },
  })
})

test('HEAD tells the size without a download', async () => {
  const mirror = await origin((_, response) =>
    response.writeHead(200, { 'content-length': 10 }).end('0123456789'),
  )
  const { url, stats } = await proxy()
  const answer = await through(url, mirror.url + deb, { method: 'HEAD' })
  expect(answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': '10' } })
  expect(stats().misses).toBe(0)
})

test('a redirect is followed, so that the store has the file under the address that apt knows', async () => {
  const other = await origin((_, response) => response.end('package'))
  const mirror = await origin((request, response) =>
    response.writeHead(302, { location: `${other.url}${request.url}` }).end(),
  )
  const { url, cacheDir } = await proxy({ allowedHosts: [mirror.host] })
  const headers = { authorization: 'Basic secret' }
  expect((await through(url, mirror.url + deb, { headers })).text).toBe('package')
  expect(other.seen[0]?.authorization).toBeUndefined()
  await through(url, mirror.url + deb)
  const offline = await proxy({ cacheDir, offline: true })
  expect((await through(offline.url, mirror.url + deb)).text).toBe('package')
})

test('a mirror that redirects in circles is an error, not a hang', async () => {
  const mirror = await origin((request, response) =>
    response.writeHead(301, { location: request.url ?? '' }).end(),
  )
  const { url } = await proxy()
  expect((await through(url, mirror.url + deb)).text).toContain('redirects to where it cannot be followed')
})

test('hosts that are no mirrors of this build are refused', async () => {
  const mirror = await origin((_, response) => response.end('package'))
  const { url } = await proxy({ allowedHosts: ['mirror.example'] })
  const answer = await through(url, mirror.url + deb)
  expect(answer.status).toBe(403)
  expect(answer.reason).toContain(mirror.host)
  expect(mirror.requests).toEqual([])
})

test('what is not a proxy request is answered with a sentence', async () => {
  const { url } = await proxy()
  expect(await through(url, url, { path: '/' })).toMatchObject({ status: 400 })
  expect(await through(url, 'http://mirror.example/', { method: 'POST' })).toMatchObject({ status: 405 })
})

test('requests go through the proxy of the environment, except for hosts in no_proxy', async () => {
  const mirror = await origin((_, response) => response.end('direct'))
  const company = await origin((request, response) => response.end(`through the company for ${request.url}`))
  const { url } = await proxy({ upstreamProxy: { http: company.url, no: '127.0.0.1' } })
  expect((await through(url, 'http://mirror.example/pool/a.deb')).text).toBe(
    'through the company for http://mirror.example/pool/a.deb',
  )
  expect((await through(url, `${mirror.url}/pool/a.deb`)).text).toBe('direct')
})

test("the password of the environment's proxy never shows in an answer or a log", async () => {
  const { url, lines } = await proxy({ upstreamProxy: { http: 'http://me:hunter2@127.0.0.1:9' } })
  const answer = await through(url, 'http://mirror.example/pool/a.deb')
  expect(answer.status).toBe(502)
  expect(`${answer.text} ${lines.join(' ')}`).not.toContain('hunter2')
})

/** Sends a CONNECT, then a line, and gives all that comes back until the other side ends. */
function connectThrough(proxyUrl: string, authority: string): Promise<string> {
  const socket = connect(Number(new URL(proxyUrl).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
  return new Promise((resolve, reject) => {
    let text = ''
    let asked = false
    socket.on('data', (data) => {
      text += String(data)
      if (!asked && text.startsWith('HTTP/1.1 200')) {
        asked = true
        socket.write('GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      }
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
  })
}

test('CONNECT opens a pipe to a mirror of this build, and to no other host', async () => {
  const mirror = await origin((request, response) => response.end(`got ${request.url}`))
  const { url } = await proxy({ allowedHosts: [mirror.host] })
  expect(await connectThrough(url, mirror.host)).toContain('got /secret')
  expect(await connectThrough(url, 'elsewhere.example:443')).toMatch(
    /^HTTP\/1.1 403 elsewhere.example:443 is not/,
  )
})

test('CONNECT goes through the proxy of the environment', async () => {
  const mirror = await origin((request, response) => response.end(`got ${request.url}`))
  const asked: (string | undefined)[] = []
  const company = createServer().on('connect', (request, client) => {
    asked.push(request.url, request.headers['proxy-authorization'])
    const server = connect(Number(new URL(mirror.url).port), '127.0.0.1')
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    client.pipe(server).pipe(client)
  })
  await new Promise<void>((resolve) => company.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void company.close())
  const { port } = company.address() as AddressInfo
  const { url } = await proxy({ upstreamProxy: { https: `http://me:pw@127.0.0.1:${port}` } })
  expect(await connectThrough(url, 'mirror.example:443')).toContain('got /secret')
  expect(asked).toEqual(['mirror.example:443', `Basic ${Buffer.from('me:pw').toString('base64')}`])
})

test('CONNECT is refused offline, with the way out', async () => {
  const { url } = await proxy({ offline: true })
  expect(await connectThrough(url, 'mirror.example:443')).toMatch(
    /^HTTP\/1.1 504 Offline: .*\/https\/mirror.example\//,
  )
})
