import { statSync, utimesSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { makeStage, plumbing, type Stage } from './stage.ts'

const program = join(plumbing, 'cache-url/bin/cache-url')
const hasCurl = await run(['curl', '--version'], { check: false }).then(
  () => true,
  () => false,
)

describe.skipIf(!hasCurl)('cache-url', () => {
  let stage: Stage
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let requests: IncomingMessage[]
  let url: string
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })

  beforeEach(async () => {
    stage = makeStage([])
    requests = []
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
  })
  afterEach(async () => {
    stage.remove()
    await new Promise((resolve) => server.close(resolve))
  })

  const fetch = (...args: string[]) =>
    run([program, ...args], { env: { ...stage.env, no_proxy: '*' }, check: false })
  const at = (path: string) => join(stage.directory, path)
  const says = (status: number, body = '', headers = {}) => {
    answer = (_, response) => response.writeHead(status, headers).end(body)
  }

  test('downloads to a new directory, in one piece and readable', async () => {
    says(200, 'content\n')
    expect(await fetch(url, at('new/place/file'))).toMatchObject({ exitCode: 0, stderr: '' })
    expect(stage.read('new/place/file')).toBe('content\n')
    expect(statSync(at('new/place/file')).mode & 0o777).toBe(0o644)
  })

  test('asks for a newer copy only, and keeps the one at hand when there is none', async () => {
    stage.write('file', 'at hand\n')
    utimesSync(at('file'), new Date('2024-05-01T12:00:00Z'), new Date('2024-05-01T12:00:00Z'))
    says(304)
    expect(await fetch(url, at('file'))).toMatchObject({ exitCode: 0 })
    expect(requests[0]?.headers['if-modified-since']).toBe('Wed, 01 May 2024 12:00:00 GMT')
    expect(stage.read('file')).toBe('at hand\n')
    says(200, 'newer\n')
    await fetch(url, at('file'))
    expect(stage.read('file')).toBe('newer\n')
  })

  test('takes no empty answer for a newer copy', async () => {
    stage.write('file', 'at hand\n')
    says(200, '')
    expect(await fetch(url, at('file'))).toMatchObject({ exitCode: 0 })
    expect(stage.read('file')).toBe('at hand\n')
  })

  test('goes past caches when told to, without asking what is newer', async () => {
    stage.write('file', 'at hand\n')
    says(200, 'fresh\n')
    expect(await fetch('-f', url, at('file'))).toMatchObject({ exitCode: 0 })
    expect(requests[0]?.headers).toMatchObject({ 'cache-control': 'no-cache, must-revalidate' })
    expect(requests[0]?.headers['if-modified-since']).toBeUndefined()
    expect(stage.read('file')).toBe('fresh\n')
  })

  test('has a status of its own for a file the server does not have, and leaves nothing behind', async () => {
    says(404, 'sorry')
    expect(await fetch(url, at('there/file'))).toMatchObject({ exitCode: 44 })
    expect((await run(['ls', '-A', at('there')])).stdout).toBe('')
  })

  test('keeps the copy at hand when the server fails for good', async () => {
    stage.write('file', 'at hand\n')
    says(403, 'no')
    expect(await fetch(url, at('file'))).toMatchObject({ exitCode: 1 })
    expect(stage.read('file')).toBe('at hand\n')
  })

  test('tries again when the server is busy', async () => {
    answer = (_, response) =>
      requests.length < 2 ? response.writeHead(503).end() : response.writeHead(200).end('at last\n')
    expect(await fetch(url, at('file'))).toMatchObject({ exitCode: 0 })
    expect(stage.read('file')).toBe('at last\n')
  })

  test('follows a server that sends it on', async () => {
    answer = (request, response) =>
      request.url === '/file'
        ? response.writeHead(302, { location: '/other' }).end()
        : response.end('moved\n')
    await fetch(url, at('file'))
    expect(stage.read('file')).toBe('moved\n')
  })

  test('copies local files by their URL', async () => {
    expect(await fetch(`file://${stage.write('source', 'local\n')}`, at('copy'))).toMatchObject({
      exitCode: 0,
    })
    expect(stage.read('copy')).toBe('local\n')
    expect(await fetch('file:///no/such/file', at('copy2'))).toMatchObject({ exitCode: 1 })
  })

  test('feeds a pipe', async () => {
    says(200, 'through the pipe\n')
    await run(['mkfifo', at('pipe')])
    const reader = run(['cat', at('pipe')])
    expect(await fetch(url, at('pipe'))).toMatchObject({ exitCode: 0 })
    expect((await reader).stdout).toBe('through the pipe\n')
  })

  test('explains itself when an argument is missing', async () => {
    const result = await fetch(url)
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('Usage: cache-url [-f] URL DESTINATION')
  })
})
