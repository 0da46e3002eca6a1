// A service behind TLS with a certificate of one's own: refused, trusted by --os-cacert, accepted by --insecure.
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { trove } from '../unit/runtime/cli/trove/run.ts'

let directory: string
let server: Server
let env: Record<string, string>
const file = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-tls-'))
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    file('key.pem'),
  ]
  await run(['openssl', 'req', '-x509', '-days', '1', ...key, '-out', file('cert.pem'), ...names])
  const pair = { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) }
  server = createServer(pair, (_incoming, outgoing) =>
    outgoing.end('{"datastores":[{"id":"1","name":"mysql"}]}'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  env = { OS_AUTH_TOKEN: 't', TROVE_BYPASS_URL: `https://127.0.0.1:${port}/v1.0/p` }
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await removeTree(directory)
})

test('a certificate that nobody vouches for is refused with what to do', async () => {
  const ran = await trove('datastore-list', env)
  expect([ran.code, ran.stdout]).toEqual([1, ''])
  expect(ran.stderr).toMatch(
    /^ERROR: Unable to establish connection to https:\S+: self-signed certificate\nhint: name the authority with --os-cacert <file>, or accept any certificate with --insecure\n$/,
  )
})

test('--os-cacert and OS_CACERT trust it', async () => {
  expect((await trove(`--os-cacert ${file('cert.pem')} datastore-list`, env)).stdout).toContain(
    '| 1  | mysql |',
  )
  expect((await trove('datastore-list', { ...env, OS_CACERT: file('cert.pem') })).code).toBe(0)
})

test('--insecure accepts it', async () => {
  expect((await trove('--insecure datastore-list', env)).code).toBe(0)
})

test('an authority that the machine trusts is trusted', async () => {
  const program = new URL('../../runtime/bin/trove', import.meta.url).pathname
  const start = (more: Record<string, string>) =>
    run([program, 'datastore-list'], { check: false, env: { PATH: process.env.PATH, ...env, ...more } })
  expect((await start({ SSL_CERT_FILE: file('cert.pem') })).stdout).toContain('| 1  | mysql |')
  expect((await start({})).exitCode).toBe(1)
})
