import { existsSync, lstatSync, mkdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { canChroot, makeStage, type Stage } from './stage.ts'

let stage: Stage
afterEach(() => stage.remove())

describe.skipIf(!canChroot)('install-bin', () => {
  test('programs of all elements are on the path of the image, owned by root and executable', async () => {
    stage = makeStage(['install-bin'], { tool: { 'bin/say-hello': '#!/bin/sh\necho hello\n' } })
    const result = await stage.inside(['pre-install.d/01-install-bin'], { before: 'umask 0077' })
    expect(result).toMatchObject({ exitCode: 0 })
    const { mode, uid } = statSync(join(stage.directory, 'inside/changes/usr/local/bin/say-hello'))
    expect([mode & 0o777, uid]).toEqual([0o755, 0])
  })

  test('an image without programs of elements is built too', async () => {
    stage = makeStage(['install-bin'])
    mkdirSync(join(stage.hooks, 'bin'))
    expect(await stage.inside(['pre-install.d/01-install-bin'])).toMatchObject({ exitCode: 0 })
  })
})

describe.skipIf(!canChroot)('install-static', () => {
  test('files land at their places with links kept, and what editors left behind does not', async () => {
    stage = makeStage(['install-static'], {
      web: {
        'static/etc/motd.d/welcome': 'hello\n',
        'static/usr/local/bin/tool': '#!/bin/sh\n',
        'static/etc/motd.d/welcome~': 'old\n',
        'static/etc/core': 'dump\n',
        'static/opt/.git/config': 'x\n',
      },
    })
    symlinkSync('welcome', join(stage.hooks, 'static/etc/motd.d/link'))
    expect(await stage.inside(['install.d/10-install-static-files'])).toMatchObject({ exitCode: 0 })
    const changes = join(stage.directory, 'inside/changes')
    expect(stage.read('inside/changes/etc/motd.d/welcome')).toBe('hello\n')
    expect(readlinkSync(join(changes, 'etc/motd.d/link'))).toBe('welcome')
    expect(statSync(join(changes, 'usr/local/bin/tool')).mode & 0o777).toBe(0o755)
    for (const left of ['etc/motd.d/welcome~', 'etc/core', 'opt/.git'])
      expect(existsSync(join(changes, left))).toBe(false)
  })

  test('an existing file keeps its permissions, and a link to a directory stays a link', async () => {
    stage = makeStage(['install-static'], {
      web: { 'static/opt/place/secret': 'new\n', 'static/opt/link/file': 'through\n' },
    })
    stage.write('inside/seed/opt/place/secret', 'old\n', 0o600)
    stage.write('inside/seed/opt/real/kept', 'kept\n')
    symlinkSync('real', join(stage.directory, 'inside/seed/opt/link'))
    expect(await stage.inside(['install.d/10-install-static-files'])).toMatchObject({ exitCode: 0 })
    const changes = join(stage.directory, 'inside/changes/opt')
    expect(stage.read('inside/changes/opt/place/secret')).toBe('new\n')
    expect(statSync(join(changes, 'place/secret')).mode & 0o777).toBe(0o600)
    expect(lstatSync(join(changes, 'link')).isSymbolicLink()).toBe(true)
    expect(stage.read('inside/changes/opt/real/file')).toBe('through\n')
  })

  test('an image without static files is built too', async () => {
    stage = makeStage(['install-static'])
    expect(await stage.inside(['install.d/10-install-static-files'])).toMatchObject({ exitCode: 0 })
  })
})

describe('install-types', () => {
  const scripts = {
    'install.d/my-app-source-install/50-app': '#!/bin/sh\n',
    'install.d/my-app-package-install/50-app-package': '#!/bin/sh\n',
    'install.d/other-source-install/60-other': '#!/bin/sh\n',
    'install.d/other-source-install/data': 'data\n',
  }
  const enable = (env: Record<string, string> = {}) =>
    stage.outside('extra-data.d/99-enable-install-types', env)

  test('source is the default, and data files are linked with the scripts', async () => {
    stage = makeStage(['install-types'], { app: scripts })
    expect(await enable()).toMatchObject({ exitCode: 0 })
    expect(readlinkSync(join(stage.hooks, 'install.d/50-app'))).toBe('my-app-source-install/50-app')
    expect(stage.read('hooks/install.d/data')).toBe('data\n')
    expect(stage.has('hooks/install.d/50-app-package')).toBe(false)
  })

  test('an element is installed another way when its variable says so, the others by the default', async () => {
    stage = makeStage(['install-types'], { app: scripts })
    await enable({ DIB_INSTALLTYPE_my_app: 'package', DIB_DEFAULT_INSTALLTYPE: 'source' })
    expect(stage.has('hooks/install.d/50-app-package')).toBe(true)
    expect(stage.has('hooks/install.d/50-app')).toBe(false)
    expect(stage.has('hooks/install.d/60-other')).toBe(true)
  })

  test('a script that is replaced is named', async () => {
    stage = makeStage(['install-types'], { app: { ...scripts, 'install.d/50-app': '#!/bin/sh\nexit 1\n' } })
    expect((await enable()).stdout).toContain(
      'install.d/50-app is replaced by the one of my-app-source-install',
    )
  })

  test('an image without scripts to install is built too', async () => {
    stage = makeStage(['install-types'])
    expect(await enable()).toMatchObject({ exitCode: 0 })
  })
})
