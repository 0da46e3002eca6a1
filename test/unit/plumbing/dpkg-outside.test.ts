import { existsSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { makeStage, type Stage } from './stage.ts'

let stage: Stage
afterEach(() => stage.remove())

/** A stage whose tree has the few files the hooks touch. */
function debianTree(): Stage {
  stage = makeStage(['dpkg'])
  stage.write('mnt/usr/sbin/start-stop-daemon', '#!/bin/sh\necho real\n')
  symlinkSync('usr/sbin', join(stage.tree, 'sbin'))
  stage.write('mnt/var/lib/apt/lists/mirror_i18n_Translation-en', 'x')
  return stage
}
const conf = 'mnt/etc/apt/apt.conf.d'

describe('while an image is built', () => {
  test('no service can start, and afterwards everything is as before', async () => {
    debianTree()
    expect(await stage.outside('root.d/50-block-daemons')).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/usr/sbin/start-stop-daemon')).toContain('doing nothing')
    expect(stage.read('mnt/usr/sbin/policy-rc.d')).toContain('exit 101')
    expect(statSync(join(stage.tree, 'usr/sbin/policy-rc.d')).mode & 0o111).not.toBe(0)
    expect(await stage.outside('cleanup.d/40-unblock-daemons')).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/usr/sbin/start-stop-daemon')).toBe('#!/bin/sh\necho real\n')
    for (const left of ['policy-rc.d', 'start-stop-daemon.REAL'])
      expect(stage.has(`mnt/usr/sbin/${left}`)).toBe(false)
  })

  test('blocking twice, as a cached tree may have it, loses nothing', async () => {
    debianTree()
    for (let i = 0; i < 2; i++) await stage.outside('root.d/50-block-daemons')
    await stage.outside('cleanup.d/40-unblock-daemons')
    expect(stage.read('mnt/usr/sbin/start-stop-daemon')).toBe('#!/bin/sh\necho real\n')
  })

  test('a start-stop-daemon that an upgrade brought is not replaced by the old one', async () => {
    debianTree()
    await stage.outside('root.d/50-block-daemons')
    stage.write('mnt/usr/sbin/start-stop-daemon', '#!/bin/sh\necho newer\n')
    await stage.outside('cleanup.d/40-unblock-daemons')
    expect(stage.read('mnt/usr/sbin/start-stop-daemon')).toContain('newer')
    expect(stage.has('mnt/usr/sbin/start-stop-daemon.REAL')).toBe(false)
  })

  test('a tree whose /sbin points at this machine is refused', async () => {
    stage = makeStage(['dpkg'])
    symlinkSync('/usr/sbin', join(stage.tree, 'sbin'))
    const result = await stage.outside('root.d/50-block-daemons')
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('leads out of the tree')
    expect(existsSync('/usr/sbin/start-stop-daemon.REAL')).toBe(false)
  })

  test('packages come quickly, and nothing of that stays in the image', async () => {
    debianTree()
    for (const script of ['50-trim-dpkg', '50-block-apt-translations']) {
      expect(await stage.outside(`root.d/${script}`)).toMatchObject({ exitCode: 0 })
    }
    expect(stage.read('mnt/etc/dpkg/dpkg.cfg.d/02apt-speedup')).toBe('force-unsafe-io\n')
    expect(stage.has('mnt/var/lib/apt/lists/mirror_i18n_Translation-en')).toBe(false)
    expect(await stage.outside('cleanup.d/60-untrim-dpkg')).toMatchObject({ exitCode: 0 })
    for (const left of [
      'dpkg/dpkg.cfg.d/02apt-speedup',
      'apt/apt.conf.d/no-languages',
      'apt/apt.conf.d/90dib-build',
    ]) {
      expect(stage.has(`mnt/etc/${left}`)).toBe(false)
    }
  })
})

describe('the proxy for packages', () => {
  const file = `${conf}/60img-build-proxy`
  const set = async (env: Record<string, string>) => {
    debianTree()
    expect(await stage.outside('root.d/50-build-with-http-cache', env)).toMatchObject({ exitCode: 0 })
  }

  test('is the caller’s, and leaves with the build', async () => {
    await set({ http_proxy: 'http://proxy:3128' })
    expect(stage.read(file)).toBe('Acquire::http::Proxy "http://proxy:3128";\n')
    await stage.outside('cleanup.d/50-remove-img-build-proxy')
    expect(stage.has(file)).toBe(false)
  })

  test('is the builder’s own cache when it offers one, and then packages are not kept twice', async () => {
    await set({ http_proxy: 'http://proxy:3128', COFFER_APT_PROXY: 'http://127.0.0.1:9999' })
    expect(stage.read(file)).toContain('Proxy "http://127.0.0.1:9999"')
    expect(stage.read(file)).toContain('Keep-Downloaded-Packages "false"')
    // No directory is mounted then: mounting would fail without privileges, and succeed unseen with them.
    expect(
      await stage.outside('root.d/50-shared-apt-cache', { COFFER_APT_PROXY: 'http://127.0.0.1:9999' }),
    ).toMatchObject({ exitCode: 0 })
    expect(stage.has('cache/apt')).toBe(false)
  })

  test('is not set without one', async () => {
    await set({})
    expect(stage.has(file)).toBe(false)
  })
})

describe('keys and lists', () => {
  test('a directory of keys is trusted', async () => {
    debianTree()
    stage.write('keys/sub/vendor.gpg', 'key')
    expect(
      await stage.outside('root.d/09-apt-keyring', { DIB_ADD_APT_KEYS: join(stage.directory, 'keys') }),
    ).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/etc/apt/trusted.gpg.d/vendor.gpg')).toBe('key')
  })

  test('a missing directory of keys is named', async () => {
    debianTree()
    const result = await stage.outside('root.d/09-apt-keyring', { DIB_ADD_APT_KEYS: '/no/such/keys' })
    expect(result).toMatchObject({
      exitCode: 1,
      stdout: 'DIB_ADD_APT_KEYS names no directory: /no/such/keys\n',
    })
  })

  test('lists that the operating system element left fresh are remembered with the sources they belong to', async () => {
    debianTree()
    stage.write('mnt/etc/apt/sources.list', 'deb http://example.org/ stable main\n')
    await stage.outside('root.d/99-record-fresh-apt-lists')
    expect(stage.has('mnt/var/lib/apt/lists-of-sources')).toBe(false)
    await stage.outside('root.d/99-record-fresh-apt-lists', { COFFER_APT_LISTS_FRESH: '1' })
    expect(stage.read('mnt/var/lib/apt/lists-of-sources')).toMatch(/^\d+ \d+ sources.list\n$/)
  })
})

describe('versions of an earlier image', () => {
  const manifest =
    '{"packages": [\n {"package": "a:amd64","arch": "amd64","version": "1:2-3","status": "ii "}\n]}'
  const pin = (path: string) =>
    stage.outside('extra-data.d/99-set-apt-package-pins', { DIB_DPKG_MANIFEST: path })

  test('are pinned, one stanza a package', async () => {
    stage = makeStage(['apt-preferences'])
    stage.write('mnt/etc/apt/x', '')
    expect(await pin(stage.write('manifest', manifest))).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/etc/apt/preferences')).toBe(
      'Package: a:amd64\nPin: version 1:2-3\nPin-Priority: 1001\n',
    )
  })

  test.each(['not json', '{"packages": {}}', '{"packages": [{"package": "a"}]}'])(
    'are not taken from something else: %s',
    async (text) => {
      stage = makeStage(['apt-preferences'])
      const result = await pin(stage.write('manifest', text))
      expect(result.exitCode).toBe(1)
      expect(result.stderr).toContain('is not a valid manifest file.')
    },
  )

  test('are free when no manifest is named', async () => {
    stage = makeStage(['apt-preferences'])
    expect(await pin('')).toMatchObject({ exitCode: 0 })
    expect(await pin('/no/such/file')).toMatchObject({ exitCode: 1 })
  })
})

describe.each([
  ['apt-sources', '99-override-default-apt-sources', 'DIB_APT_SOURCES', 'sources.list'],
  ['apt-conf', '99-override-default-apt-conf', 'DIB_APT_CONF', 'apt.conf'],
])('%s', (element, script, variable, target) => {
  test('replaces the file of the image, changes nothing without the variable, and refuses a missing file', async () => {
    stage = makeStage([element])
    stage.write('mnt/etc/apt/sources.list', 'old\n')
    const call = (path: string) => stage.outside(`extra-data.d/${script}`, { [variable]: path })
    expect(await call('')).toMatchObject({ exitCode: 0 })
    expect(await call('/no/such/file')).toMatchObject({ exitCode: 1 })
    expect(stage.read('mnt/etc/apt/sources.list')).toBe('old\n')
    expect(await call(stage.write('mine', 'new\n'))).toMatchObject({ exitCode: 0 })
    expect(stage.read(`mnt/etc/apt/${target}`)).toBe('new\n')
  })
})
