import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { canChroot, makeStage, type Stage } from './stage.ts'

const hasDpkg = await run(['dpkg-scanpackages', '--version'], { check: false }).then(
  () => true,
  () => false,
)

/** Real apt and dpkg, in a throw-away copy of this machine, with an archive of three tiny packages on its disk. */
describe.skipIf(!canChroot || !hasDpkg)('packages in the image', () => {
  let stage: Stage
  // The machine's own sources would need the network.
  const before = `
    rm -rf /etc/apt/sources.list.d /etc/apt/apt.conf.d/*proxy* /var/lib/apt/lists/*
    echo 'deb [trusted=yes] file:/srv/archive ./' >/etc/apt/sources.list`
  const noPauses = "printf '#!/bin/sh\\n' >/usr/local/bin/sleep; chmod 0755 /usr/local/bin/sleep"
  const installTools = 'pre-install.d/01-install-bin'
  const fetchLists = 'pre-install.d/99-apt-get-update'
  const inside = (scripts: readonly string[], more = '') =>
    stage.inside([installTools, ...scripts], { before: `${before}\n${more}` })
  const updates = (output: string) => output.match(/^Reading package lists/gm)?.length ?? 0

  beforeAll(async () => {
    stage = makeStage(['dpkg', 'package-installs', 'pkg-map', 'install-bin', 'manifests'], {
      app: {
        'package-installs.yaml': 'one:\ncoffer-build-tool:\n  build-only: true\nnot-needed:\n',
        'pkg-map': '{"default": {"one": "coffer-one"}, "family": {"debian": {"not-needed": ""}}}',
        'install.d/package-installs-app': '# old format\ncoffer-two\n',
        'post-install.d/50-calls': `#!/bin/bash
install-packages
install-packages -m app not-needed
install-packages -e
install-packages -d x || echo "status $?"
install-packages -m app unknown 2>/dev/null || echo "status $?"
`,
      },
    })
    stage.write('inside/seed/srv/archive/Packages', '')
    const archive = join(stage.directory, 'inside/seed/srv/archive')
    for (const name of ['coffer-one', 'coffer-two', 'coffer-build-tool']) {
      const control = {
        Package: name,
        Version: '1.0',
        Architecture: 'all',
        Maintainer: 'N <n@example.org>',
        Description: 'x',
      }
      const lines = Object.entries(control).map(([key, value]) => `${key}: ${value}\n`)
      stage.write(`deb/${name}/DEBIAN/control`, lines.join(''))
      stage.write(`deb/${name}/opt/${name}`, 'installed\n')
      await run(['dpkg-deb', '--build', '--root-owner-group', join(stage.directory, 'deb', name), archive])
    }
    stage.write(
      'inside/seed/srv/archive/Packages',
      (await run(['dpkg-scanpackages', '.'], { cwd: archive })).stdout,
    )
    await stage.outside('extra-data.d/10-create-pkg-map-dir')
    await stage.outside('extra-data.d/99-squash-package-install')
    await run([
      'cp',
      '-a',
      join(stage.tree, 'usr'),
      join(stage.tree, 'tmp'),
      join(stage.directory, 'inside/seed/'),
    ])
  })
  afterAll(() => stage.remove())

  test('of all elements are installed in one go, through their maps; build tools go again; a manifest lists the rest', async () => {
    const result = await inside([
      'pre-install.d/00-disable-apt-recommends',
      fetchLists,
      'install.d/01-package-installs',
      'install.d/99-package-uninstalls',
      'finalise.d/99-write-dpkg-manifest',
    ])
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdout).toContain('Map install for app: one coffer-build-tool not-needed')
    // One run of apt for the old text format, one for the rest, one for the removal.
    expect(result.stdout.match(/newly installed/g)).toHaveLength(3)
    expect(stage.read('inside/changes/opt/coffer-one')).toBe('installed\n')
    expect(stage.read('inside/changes/opt/coffer-two')).toBe('installed\n')
    expect(stage.has('inside/changes/opt/coffer-build-tool')).toBe(false)
    const manifest = JSON.parse(stage.read('inside/changes/etc/dib-manifests/dib-manifest-dpkg-image'))
    expect(manifest.packages).toContainEqual({
      package: 'coffer-one',
      arch: 'all',
      version: '1.0',
      status: 'ii ',
    })
  })

  test('that nobody offers end the build with a sentence', async () => {
    const lost = "printf 'pre-install.d\\tinstall\\tapp\\tcoffer-missing\\n' >/tmp/package-installs.tsv"
    const result = await inside(['pre-install.d/10-package-installs'], lost)
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('install-packages failed with returncode 100')
  })

  test('of a phase nobody uses are no work', async () => {
    const result = await inside(['pre-install.d/10-package-installs', 'pre-install.d/99-package-uninstalls'])
    expect(result).toMatchObject({ exitCode: 0, stdout: 'Nothing to install\nNothing to uninstall\n' })
  })

  test('lists are fetched once, and again when the sources change', async () => {
    stage.write('hooks/pre-install.d/50-new-source', '#!/bin/sh\necho "# new" >>/etc/apt/sources.list\n')
    const result = await inside([fetchLists, fetchLists, 'pre-install.d/50-new-source', fetchLists])
    expect(result).toMatchObject({ exitCode: 0 })
    expect(updates(result.stdout)).toBe(2)
    expect(result.stdout.match(/not running apt-get update/g)).toHaveLength(1)
  })

  test('lists that cannot be fetched end the build after three tries', async () => {
    const result = await inside([fetchLists], `rm -r /srv/archive\n${noPauses}`)
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain('(attempt 3 of 3)')
  })

  test('can be named on the command line of install-packages, or none at all', async () => {
    const result = await inside(['post-install.d/50-calls'])
    expect(result.stdout.split('\n')).toEqual([
      'Not running install-packages install with empty packages list',
      'Not running install-packages install with empty packages list',
      'Not running install-packages remove with empty packages list',
      'Error: unsupported option -d.',
      'status 1',
      'install-packages: the package map of app does not know every one of: unknown',
      'status 1',
      '',
    ])
  })
})
