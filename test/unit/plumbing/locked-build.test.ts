import { mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { renderLock } from '../../../builder/lock/lock.ts'
import { run } from '../../../lib/exec.ts'
import { sha256 } from '../../../lib/hash.ts'
import { example } from '../lock/example.ts'
import { makeStage, type Stage } from './stage.ts'

const root = new URL('../../..', import.meta.url).pathname
const has = async (program: string) =>
  run([program, '--version'], { check: false }).then(
    () => true,
    () => false,
  )
const ready = (await has('git')) && (await has('curl'))

let stage: Stage
afterEach(() => stage.remove())
const at = (path: string) => join(stage.directory, path)
const record = () =>
  stage
    .read('record')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** The environment of a build that records, and is held to a lock if one is given. */
function build(lock?: Partial<typeof example>): Record<string, string> {
  stage.write('record', '')
  if (lock === undefined) return { COFFER_RECORD: at('record'), COFFER_LOCKING: '1' }
  stage.write('x.lock', renderLock({ ...example, sources: [], downloads: [], ...lock }))
  return { COFFER_RECORD: at('record'), COFFER_LOCKED: at('x.lock') }
}

describe.skipIf(!ready)('cache-url in a build with a lock', () => {
  let body: string
  let requests: number
  let url: string
  const server = createServer((_, response) => {
    requests += 1
    response.end(body)
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  beforeEach(() => {
    stage = makeStage(['cache-url'])
    body = 'old'
    requests = 0
  })
  const fetch = (env: Record<string, string>) =>
    run([at('hooks/bin/cache-url'), url, at('file')], {
      env: { ...stage.env, no_proxy: '*', ...env },
      check: false,
    })
  const named = () => ({ downloads: [{ url, sha256: sha256('old'), size: 3 }] })

  test('records what it fetched, also what it had already', async () => {
    const env = build()
    await fetch(env)
    await fetch(env)
    const fetched = { kind: 'file', url, sha256: sha256('old'), size: 3 }
    expect(record()).toEqual([fetched, fetched])
  })

  test('takes what the lock names from the copy at hand, then from the cache, then from the server', async () => {
    await fetch(build())
    body = 'new'
    stage.write('file', 'old')
    expect(await fetch(build(named()))).toMatchObject({ exitCode: 0 })
    stage.write('file', 'newer than the lock')
    expect((await fetch(build(named()))).stdout).toContain('from the cache, as the lock names it')
    expect(stage.read('file')).toBe('old')
    expect(requests).toBe(1)
    body = 'old'
    await run(['rm', '-r', at('cache/packages'), at('file')])
    expect(await fetch(build(named()))).toMatchObject({ exitCode: 0 })
    expect(stage.read('file')).toBe('old')
  })

  test('leaves no old file to later builds that ask for newer ones only', async () => {
    await fetch(build())
    stage.write('file', 'something else')
    await fetch(build(named()))
    body = 'new'
    expect(await fetch({})).toMatchObject({ exitCode: 0 })
    expect(stage.read('file')).toBe('new')
    expect((await run(['ls', '-A', at('.')])).stdout).not.toContain('.file.locked')
  })

  test('refuses what the server has by now, and leaves the copy at hand', async () => {
    body = 'new'
    stage.write('file', 'mine')
    const result = await fetch(build(named()))
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain(`${url} has moved on`)
    expect(stage.read('file')).toBe('mine')
  })

  test('offline, says what is missing', async () => {
    const result = await fetch({ ...build(named()), DIB_OFFLINE: '1' })
    expect(result).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('is not in the cache') })
    expect(requests).toBe(0)
  })

  test('fetches nothing that the lock does not name', async () => {
    const result = await fetch(build({}))
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain('is not in the lock')
    expect(requests).toBe(0)
  })
})

describe.skipIf(!ready)('source-repositories in a build with a lock', () => {
  const git = (...args: string[]) =>
    run(['git', '-C', at('origin'), '-c', 'user.name=N', '-c', 'user.email=n@example.org', ...args])
  const commit = async (text: string) => {
    stage.write('origin/file', text)
    await git('add', '.')
    await git('commit', '-qm', text)
    return (await git('rev-parse', 'HEAD')).stdout.trim()
  }
  const fetch = async (env: Record<string, string>) => {
    await run(['rm', '-rf', '--', at('mnt/opt')])
    return stage.outside('extra-data.d/98-source-repositories', {
      DIB_SOURCE_REPOSITORIES_RETRY_PAUSE: '0',
      ...env,
    })
  }
  beforeEach(async () => {
    stage = makeStage(['source-repositories', 'cache-url', 'manifests'])
    stage.write('hooks/source-repository-app', `app git /opt/app ${at('origin')} master\n`)
    mkdirSync(at('origin'))
    await git('init', '-q', '-b', 'master')
  })

  test('the commit that was used is recorded, and used again when the branch has moved', async () => {
    const one = await commit('one')
    expect(await fetch(build())).toMatchObject({ exitCode: 0 })
    const source = { name: 'app', location: at('origin'), ref: 'master', revision: one }
    expect(record()).toEqual([{ kind: 'source', ...source }])

    await commit('two')
    const locked = await fetch({ ...build({ sources: [source] }), DIB_REPOREF_app: one })
    expect(locked, locked.stdout).toMatchObject({ exitCode: 0 })
    expect(locked.stdout).not.toContain('Updating cache')
    expect(stage.read('mnt/opt/app/file')).toBe('one')
  })

  test('another commit than the locked one ends the build', async () => {
    const one = await commit('one')
    const sources = [{ name: 'app', location: at('origin'), ref: 'master', revision: one }]
    await commit('two')
    const result = await fetch(build({ sources }))
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain(`the lock names ${one}`)
  })

  test('files and tarballs are downloads', async () => {
    await commit('one')
    stage.write('plain', 'text')
    stage.write('hooks/source-repository-app', `plain file /opt/plain file://${at('plain')}\n`)
    expect(await fetch(build())).toMatchObject({ exitCode: 0 })
    const entry = { url: `file://${at('plain')}`, sha256: sha256('text'), size: 4 }
    expect(record()).toEqual([{ kind: 'file', ...entry }])
    expect(await fetch({ ...build(), DIB_OFFLINE: '1' })).toMatchObject({ exitCode: 0 })
    expect(record()).toEqual([{ kind: 'file', ...entry }])

    stage.write('plain', 'new text')
    // curl asks by whole seconds whether the file is newer.
    const later = Math.floor(Date.now() / 1000) + 60
    utimesSync(at('plain'), later, later)
    await fetch(build())
    expect(stage.read('mnt/opt/plain')).toBe('new text')
    expect(await fetch(build({ downloads: [entry] }))).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/plain')).toBe('text')
    await fetch({ DIB_OFFLINE: '1' })
    expect(stage.read('mnt/opt/plain')).toBe('new text')
  })
})

describe.each([
  ['elements', 'apt-bootstrap', 'root.d/08-apt-bootstrap'],
  ['builder/elements', 'debootstrap', 'root.d/08-debootstrap'],
])('%s/%s in a build with a lock', (home, element, script) => {
  /** Stands in for mmdebstrap, which needs a whole archive. */
  const tool =
    '#!/bin/bash\necho "$*" >"$TMP_BUILD_DIR/calls"\nmkdir -p "$TARGET_ROOT"/{etc/apt,bin,dev}\ntouch "$TARGET_ROOT/bin/sh"\n'
  const bootstrap = (env: Record<string, string>) => {
    stage.write('tools/mmdebstrap', tool)
    return stage.outside(script, {
      PATH: `${at('tools')}:${stage.env.PATH}`,
      COFFER_APT_PROXY: 'http://127.0.0.1:1',
      DIB_DISTRIBUTION_MIRROR: 'https://mirror.example/debian',
      DIB_DEBOOTSTRAP_DEFAULT_LOCALE: 'C.UTF-8',
      COFFER_BOOTSTRAP_PACKAGES: '',
      ...env,
    })
  }
  const ourTarball = () => at('cache/debootstrap-debian-bookworm-amd64.tar.gz')
  beforeEach(() => {
    stage = makeStage([], {
      [element]: { [script]: readFileSync(join(root, home, element, script), 'utf8') },
    })
  })

  test('says which system it makes, and sends https through the proxy too', async () => {
    expect(await bootstrap(build())).toMatchObject({ exitCode: 0 })
    expect(record()).toEqual([{ kind: 'system', distribution: 'debian', release: 'bookworm' }])
    expect(stage.read('calls')).toMatch(/--aptopt=Dir::Bin::Methods::https "\/.*\/apt-https-method"/)
    expect(stage.read('calls')).not.toContain('Valid-Until')
  })

  test('takes old repositories for what they are, and no tarball for a system', async () => {
    stage.write('cache/debootstrap-debian-bookworm-amd64.tar.gz', 'not a lock’s word')
    const env = { DIB_OFFLINE: '1', DIB_DEBOOTSTRAP_CACHE: '1' }
    for (const lock of [undefined, {}]) {
      expect(await bootstrap({ ...env, ...build(lock) })).toMatchObject({ exitCode: 0 })
      expect(readFileSync(ourTarball(), 'utf8')).toBe('not a lock’s word')
    }
    expect(stage.read('calls')).toContain('--aptopt=Acquire::Check-Valid-Until "false"')
  })

  test('refuses the lock of another system', async () => {
    const result = await bootstrap({ ...build({}), DIB_RELEASE: 'trixie' })
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain('The lock is for the release bookworm, and this build is for trixie')
    expect(stage.has('calls')).toBe(false)
  })
})

describe('apt in the image', () => {
  const conf = 'mnt/etc/apt/apt.conf.d/60img-build-proxy'
  const method = (scheme: string) => `mnt/usr/lib/apt/methods/coffer-${scheme}`
  const set = async (env: Record<string, string>) => {
    stage = makeStage(['dpkg'])
    stage.write('mnt/usr/lib/apt/methods/http', '#!/bin/sh\n')
    const proxy = { COFFER_APT_PROXY: 'http://127.0.0.1:1' }
    expect(await stage.outside('root.d/50-build-with-http-cache', { ...proxy, ...env })).toMatchObject({
      exitCode: 0,
    })
  }

  test('takes repositories past their date in a locked build only, and nothing of it stays', async () => {
    await set({})
    expect(stage.read(conf)).not.toContain('Valid-Until')
    stage.remove()
    await set({ COFFER_LOCKED: '/x.lock' })
    expect(stage.read(conf)).toContain('Acquire::Check-Valid-Until "false";\n')
    expect(await stage.outside('cleanup.d/50-remove-img-build-proxy')).toMatchObject({ exitCode: 0 })
    expect([conf, method('http'), method('https')].filter(stage.has)).toEqual([])
  })

  test('asks all mirrors through the proxy while the image is built, also those of https and of no_proxy', async () => {
    await set({})
    for (const scheme of ['http', 'https']) {
      expect(stage.read(conf)).toContain(
        `Dir::Bin::Methods::${scheme} "/usr/lib/apt/methods/coffer-${scheme}";\n`,
      )
      expect(statSync(at(method(scheme))).mode & 0o777).toBe(0o755)
    }
  })
})
