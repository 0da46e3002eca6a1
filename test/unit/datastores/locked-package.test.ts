import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { provideSource } from '../../../builder/datastores/package-fetch.ts'
import { planPackageSource } from '../../../builder/datastores/package-source.ts'
import { parseVendor } from '../../../builder/datastores/vendor.ts'
import { renderLock } from '../../../builder/lock/lock.ts'
import { downloadRules } from '../../../builder/lock/locked-downloads.ts'
import { readRecorded } from '../../../builder/lock/recorded.ts'
import type { Environment } from '../../../lib/exec.ts'
import { sha256 } from '../../../lib/hash.ts'
import { lineLog } from '../../../lib/log.ts'
import { example } from '../lock/example.ts'

const vendorFile = new URL('../../../elements/db2/datastore-vendor/db2', import.meta.url)
const vendor = parseVendor('db2', await readFile(vendorFile, 'utf8'))
const bytes = gzipSync('the installer')
const digest = sha256(bytes)
let work: string
let url: string
let requests: number

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-vendor-'))
  onTestFinished(() => rm(work, { recursive: true }))
  await writeFile(join(work, 'record'), '')
  requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/db2.tar.gz`
})

/** Brings the package into the hooks of a build, as element datastore-package does. */
async function provide(target: string, location: string, build: Environment, offline = false): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    no_proxy: '*',
    DB2_ACCEPT_LICENCE: 'yes',
    DATASTORE_PKG_LOCATION: location,
    DATASTORE_PKG_SHA256: location.startsWith('http') ? digest : undefined,
    DIB_IMAGE_CACHE: join(work, 'cache'),
    COFFER_RECORD: join(work, 'record'),
    ...build,
  }
  await provideSource(vendor, planPackageSource(vendor, env), join(work, target), {
    cacheDirectory: env.DIB_IMAGE_CACHE,
    offline,
    cwd: work,
    env,
    rules: await downloadRules(env),
    log: lineLog(() => undefined),
  })
}

/** The environment of a build from a lock that names one download. */
async function lockedTo(address: string, content: Uint8Array): Promise<Environment> {
  const downloads = [{ url: address, sha256: sha256(content), size: content.length }]
  await writeFile(join(work, 'x.lock'), renderLock({ ...example, downloads }))
  return { COFFER_LOCKED: join(work, 'x.lock') }
}

test('a package from a URL is recorded, and a build from the lock has it without the server', async () => {
  await provide('first', url, { COFFER_LOCKING: '1' })
  expect(await readRecorded(join(work, 'record'))).toEqual([
    { kind: 'file', url, sha256: digest, size: bytes.length },
  ])
  await rm(join(work, 'cache/datastore-packages'), { recursive: true })
  await provide('second', url, await lockedTo(url, bytes), true)
  expect(await readFile(join(work, 'second/package'))).toEqual(bytes)
  expect(requests).toBe(1)
})

test('a package at an address that the lock does not name is not even asked for', async () => {
  const other = await lockedTo('http://other.example/db2.tar.gz', bytes)
  await expect(provide('x', url, other)).rejects.toMatchObject({ code: 'NOT_IN_LOCK' })
  expect(requests).toBe(0)
})

test('a package of this machine is told by its name, and must be the same', async () => {
  await writeFile(join(work, 'db2.tar.gz'), bytes)
  await provide('first', join(work, 'db2.tar.gz'), {})
  expect(await readRecorded(join(work, 'record'))).toMatchObject([{ url: 'file:db2.tar.gz' }])
  const locked = await lockedTo('file:db2.tar.gz', bytes)
  await provide('second', 'db2.tar.gz', locked)
  await writeFile(join(work, 'db2.tar.gz'), gzipSync('another installer'))
  await expect(provide('third', 'db2.tar.gz', locked)).rejects.toMatchObject({ code: 'LOCK_DIGEST_MISMATCH' })
})
