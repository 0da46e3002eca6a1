import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { flattenPackageMap, packageMapTable } from '../../../builder/plumbing/pkg-map.ts'
import { run } from '../../../lib/exec.ts'
import { canChroot, makeStage, plumbing, type Stage } from './stage.ts'

const MAP = JSON.stringify({
  default: { web: 'nginx', db: 'mariadb-server', same: 'same' },
  family: { debian: { web: 'nginx-light', gone: '' }, redhat: { web: 'httpd' } },
  distro: { ubuntu: { web: 'nginx-core' } },
  release: { debian: { bookworm: { db: 'mariadb-server mariadb-backup' }, '8': { db: 'eight' } } },
})

let stage: Stage
afterEach(() => stage.remove())

/** Runs the command with a map in a file: the way that works without an image. */
function pkgMap(args: readonly string[], env: Record<string, string> = {}, map = MAP) {
  stage = makeStage([])
  const bin = join(plumbing, 'pkg-map/bin')
  const file = stage.write('pkg-map', map)
  return run([join(bin, 'pkg-map'), '--pkg-map', file, ...args], {
    env: { PATH: `${bin}:/usr/bin:/bin`, DIB_DEBUG_TRACE: '0', ...env },
    check: false,
  })
}

describe('pkg-map', () => {
  test.each([
    ['debian', 'bookworm', 'nginx-light\nmariadb-server mariadb-backup\n'],
    ['debian', 'trixie', 'nginx-light\nmariadb-server\n'],
    ['debian', '8-stream', 'nginx-light\neight\n'],
    ['ubuntu', 'noble', 'nginx-core\nmariadb-server\n'],
    ['rocky', '9', 'httpd\nmariadb-server\n'],
    ['unheard-of', '1', 'nginx\nmariadb-server\n'],
  ])('gives the most specific name: %s %s', async (distro, release, output) => {
    const result = await pkgMap(['--distro', distro, `--release=${release}`, 'web', 'db'])
    expect(result).toMatchObject({ exitCode: 0, stdout: output })
  })

  test('knows the distribution from the build, and marks its answers when asked to', async () => {
    const result = await pkgMap(['--prefix', '-', 'web', 'gone', 'same'], { DISTRO_NAME: 'debian' })
    expect(result.stdout).toBe('-nginx-light\n-same\n')
  })

  test('fails at the first unknown name, or passes it through when that is fine', async () => {
    const env = { DISTRO_NAME: 'debian' }
    const strict = await pkgMap(['web', 'unknown', 'db'], env)
    expect(strict).toMatchObject({ exitCode: 1, stdout: 'nginx-light\n' })
    expect(strict.stderr).toContain('has no valid mapping for package unknown')
    stage.remove()
    expect((await pkgMap(['--missing-ok', 'unknown', 'web'], env)).stdout).toBe('unknown\nnginx-light\n')
  })

  test.each([
    [['--element', 'x', 'a'], 'Specify either --element or --pkg-map'],
    [['a'], 'Please specify a --distro argument'],
  ])('says what is wrong with a command: %s', async (args, message) => {
    const result = await pkgMap(args)
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain(message)
  })

  test('a map that is no JSON is an error, not an empty answer', async () => {
    const result = await pkgMap(['--distro', 'debian', '--missing-ok', 'a'], {}, '{"default": {"a": }')
    expect(result).toMatchObject({ exitCode: 1, stdout: '' })
    expect(result.stderr).toContain('Unable to parse')
  })

  test('escapes and blanks in a map mean what JSON says', async () => {
    const map = '\n{ "default"\t:\r\n{ "a\\"b" : "c\\\\d" , "e":null } , "other": {"x": "y"} }\n'
    const result = await pkgMap(['--distro', 'debian', '--prefix', '=', 'a"b', 'e'], {}, map)
    expect(result).toMatchObject({ exitCode: 0, stdout: '=c\\d\n' })
  })
})

describe('the maps of all elements', () => {
  test('come into the image with a table beside each', async () => {
    stage = makeStage(['pkg-map', 'base'], { app: { 'pkg-map': MAP } })
    const result = await stage.outside('extra-data.d/10-create-pkg-map-dir')
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: 'Copying pkg-map for app\nCopying pkg-map for base\n',
    })
    expect(stage.read('mnt/usr/share/pkg-map/app')).toBe(MAP)
    expect(stage.read('mnt/usr/share/pkg-map/app.tsv')).toContain(
      'release\tdebian bookworm\tdb\tmariadb-server mariadb-backup\n',
    )
    expect(stage.has('mnt/usr/share/pkg-map/pkg-map')).toBe(false)
  })

  test.each([
    ['{', 'Unable to parse'],
    ['{"default": {"a": ["b"]}}', 'the value of a must be text'],
    ['{"release": {"debian": "x"}}', 'release debian must be an object'],
  ])('end the build early when one is broken: %s', (text, message) => {
    stage = makeStage([])
    expect(() => flattenPackageMap(text, 'app/pkg-map')).toThrow(message)
  })

  test('are flattened alike outside and inside', async () => {
    stage = makeStage([])
    const file = stage.write('pkg-map', MAP)
    const inside = await run([join(plumbing, 'pkg-map/bin/pkg-map-rows'), file])
    expect(inside.stdout.split('\n').sort()).toEqual(
      packageMapTable(flattenPackageMap(MAP, file)).split('\n').sort(),
    )
  })

  test.skipIf(!canChroot)(
    'answer by element name inside; an element without a map is status 2, or no matter',
    async () => {
      stage = makeStage(['pkg-map', 'install-bin'], { app: { 'pkg-map': MAP } })
      await stage.outside('extra-data.d/10-create-pkg-map-dir')
      await run(['cp', '-a', join(stage.tree, 'usr'), stage.write('inside/seed/x', '').replace(/x$/, '')])
      stage.write(
        'hooks/install.d/50-ask',
        '#!/bin/bash\npkg-map --element app web\npkg-map --element none --missing-ok --prefix + a b\npkg-map --element none a || echo "status $?"\n',
      )
      const result = await stage.inside(['pre-install.d/01-install-bin', 'install.d/50-ask'])
      expect(result.stdout).toBe('nginx-light\n+a\n+b\nstatus 2\n')
    },
  )
})
