import { readFile } from 'node:fs/promises'
import { glob } from 'glob'
import { afterEach, describe, expect, test } from 'vitest'
import { datastoreNamed } from '../../../builder/datastores/datastores.ts'
import { readBuildImageLine } from '../../../builder/request/build-image-line.ts'
import { buildImageOptions } from '../../../builder/request/build-image-options.ts'
import { run } from '../../../lib/exec.ts'
import { getopt } from '../../../lib/getopt.ts'
import { canChroot, makeStage, type Stage } from '../plumbing/stage.ts'
import { dpkgRules, installs } from './dpkg-rules.ts'

const elements = new URL('../../../elements/', import.meta.url).pathname
const slim = `${elements}slim`
const kernel = [
  ...(await dpkgRules('kernel/coffer-kernel/trim-kernel.conf')),
  ...(await dpkgRules('slim/coffer-slim/kernel')),
]
const documentation = await dpkgRules('slim/coffer-slim/documentation')
const programs = await dpkgRules('slim/coffer-slim/programs')

describe('what a database guest has', () => {
  test.each([
    'fs/ext4/ext4',
    'fs/xfs/xfs',
    'fs/btrfs/btrfs',
    'fs/nfs/nfs',
    'fs/fat/vfat',
    'fs/isofs/isofs',
    'fs/udf/udf',
    'fs/9p/9p',
    'fs/fuse/virtiofs',
    'drivers/virtio/virtio_pci',
    'drivers/md/dm-mod',
    'drivers/net/wireguard/wireguard',
    'drivers/net/ethernet/mellanox/mlx5/core/mlx5_core',
    'net/netfilter/nf_tables',
    'net/tls/tls',
    'lib/libcrc32c',
  ])('the module %s', (module) => {
    expect(installs(kernel, `/lib/modules/6.1.0-56-amd64/kernel/${module}.ko`)).toBe(true)
    expect(installs(kernel, `/usr/lib/modules/7.2.13+deb14-amd64/kernel/${module}.ko.xz`)).toBe(true)
  })

  test('every module that the initramfs is made of', async () => {
    const text = await readFile(`${elements}tiny-initramfs/coffer-initramfs/modules`, 'utf8')
    const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(names).toContain('virtio_blk')
    const own = await dpkgRules('slim/coffer-slim/kernel')
    for (const name of names)
      expect(own.filter(({ pattern }) => new RegExp(`/${name}[.*]*$`).test(pattern))).toEqual([])
  })

  test.each([
    '/usr/share/zoneinfo/Europe/Vienna',
    '/usr/share/i18n/locales/de_AT',
    '/usr/share/i18n/charmaps/UTF-8.gz',
    '/usr/share/i18n/charmaps/EUC-JP.gz',
    '/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so',
    '/usr/lib/x86_64-linux-gnu/gconv/ISO8859-15.so',
    '/usr/lib/x86_64-linux-gnu/gconv/IBM850.so',
    '/usr/lib/x86_64-linux-gnu/perl/5.36.0/POSIX.pm',
    '/usr/share/perl/5.36.0/Getopt/Long.pm',
    '/usr/share/perl/5.36.0/Pod/Usage.pm',
    '/usr/lib/x86_64-linux-gnu/libicudata.so.72.1',
  ])('%s', (path) => {
    expect(installs(programs, path)).toBe(true)
  })
})

describe('what it does without', () => {
  test.each([
    'arch/x86/kvm/kvm',
    'fs/f2fs/f2fs',
    'net/sctp/sctp',
    'lib/test_bpf',
    'drivers/char/ipmi/ipmi_si',
  ])('the module %s', (module) => {
    expect(installs(kernel, `/lib/modules/6.1.0-56-amd64/kernel/${module}.ko`)).toBe(false)
    expect(installs(kernel, `/usr/lib/modules/7.2.13+deb14-amd64/kernel/${module}.ko.xz`)).toBe(false)
  })

  test.each([
    '/lib/firmware/amdgpu/picasso_ce.bin',
    '/usr/lib/debug/.build-id/00/0001.debug',
    '/usr/lib/x86_64-linux-gnu/gconv/EBCDIC-US.so',
    '/usr/share/i18n/charmaps/GB18030.gz',
    '/usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE/perl.h',
  ])('%s', (path) => {
    expect(installs(programs, path)).toBe(false)
  })
})

test('licences stay, of all packages', () => {
  expect(installs(documentation, '/usr/share/doc/mysql-server/copyright')).toBe(true)
  expect(installs(documentation, '/usr/share/doc/mysql-server/changelog.Debian.gz')).toBe(false)
})

test('what the base system leaves out of the documentation, this leaves out as well', async () => {
  const base = await dpkgRules('apt-bootstrap/root.d/08-apt-bootstrap')
  expect(base.length).toBeGreaterThan(5)
  expect(documentation).toEqual(expect.arrayContaining(base))
})

describe('the switch', () => {
  const environment = async (given: Readonly<Record<string, string>>) => {
    const script = 'set -eu; . "$1"; env'
    const result = await run(['bash', '-c', script, 'bash', `${slim}/environment.d/05-slim.bash`], {
      env: { PATH: process.env.PATH, ...given },
      check: false,
    })
    return { ...result, lines: result.stdout.split('\n') }
  }

  test('is on unless turned off, and leaves the older switches alone', async () => {
    const { lines } = await environment({})
    expect(lines).toContain('COFFER_SLIM=1')
    expect(lines.join('\n')).not.toMatch(/KEEP|TRIM/)
  })

  test('off turns the older switches to everything, except those that are set', async () => {
    const { lines } = await environment({ COFFER_SLIM: '0', COFFER_TRIM_KERNEL: '1' })
    expect(lines).toEqual(
      expect.arrayContaining(['COFFER_KEEP_DOCS=1', 'COFFER_TRIM_KERNEL=1', 'DIB_COFFER_KEEP_ALL=1']),
    )
  })

  test('has two positions', async () => {
    const { exitCode, stderr } = await environment({ COFFER_SLIM: 'no' })
    expect(exitCode).toBe(1)
    expect(stderr).toBe("COFFER_SLIM is 1 (the default) or 0, not 'no'\n")
  })

  test('is build-image --full, and the caller’s without it', () => {
    const variables = (...args: string[]) =>
      readBuildImageLine(getopt('build-image', args, buildImageOptions)).environment(datastoreNamed('mysql'))
    expect(variables('mysql', '--full')).toMatchObject({ COFFER_SLIM: '0' })
    expect(variables('mysql')).not.toHaveProperty('COFFER_SLIM')
  })

  test('is there for every database', async () => {
    expect((await readFile(`${elements}database-guest/element-deps`, 'utf8')).split('\n')).toContain('slim')
  })
})

describe.skipIf(!canChroot)('in a tree', () => {
  let stage: Stage
  afterEach(() => stage.remove())

  const files = [
    '/usr/share/doc/zz-server/copyright',
    '/usr/share/doc/zz-server/changelog.gz',
    '/usr/share/man/man1/zz.1.gz',
    '/usr/lib/x86_64-linux-gnu/gconv/EBCDIC-ZZ.so',
    '/usr/lib/zz/kept',
    '/usr/lib/zz/__pycache__/kept.pyc',
    '/var/cache/debconf/zz.dat-old',
  ]
  /** A package's files in a tree whose package manager knows no other, without what this machine has besides. */
  const installed = `for own in /var/lib/dpkg/info /opt /usr/local /usr/lib/*/; do
      case $own in *-linux-gnu*) ;; *) mount -t tmpfs tmpfs "$own" ;; esac
    done
    mkdir -p /usr/share/doc/zz-server /usr/share/man/man1 /usr/lib/x86_64-linux-gnu/gconv /usr/lib/zz/__pycache__
    for file in ${files.join(' ')}; do echo x >$file; done
    ln -s zz-server /usr/share/doc/zz-client
    printf '%s\\n' /. /usr /usr/share/doc/zz-client ${files.join(' ')} >/var/lib/dpkg/info/zz.list`

  /** Builds with the element. @returns which of the files are there afterwards */
  async function build(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const names = await glob('**', { cwd: slim, nodir: true })
    const own = await Promise.all(
      names.map(async (name) => [name, await readFile(`${slim}/${name}`, 'utf8')] as const),
    )
    stage = makeStage([], { slim: Object.fromEntries(own) })
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const scripts = ['pre-install.d/21-slim', 'finalise.d/99-slim']
    const result = await stage.inside(scripts, {
      env,
      before: `${installed}
        ${settings.map((setting) => `export ${setting}`).join('\n')}`,
    })
    expect(result, result.stderr).toMatchObject({ exitCode: 0 })
    return [...files, '/usr/share/doc/zz-client'].filter((file) => stage.has(`inside/changes${file}`))
  }

  test('what a package has brought before is taken away, its licence and links to it are not', async () => {
    expect(await build({ COFFER_SLIM: '1' })).toEqual([
      '/usr/share/doc/zz-server/copyright',
      '/usr/lib/zz/kept',
      '/usr/share/doc/zz-client',
    ])
    for (const name of ['documentation', 'kernel', 'programs'])
      expect(stage.read(`inside/changes/etc/dpkg/dpkg.cfg.d/30-slim-${name}`)).toContain('path-exclude=')
  })

  test('the older switches keep their part', async () => {
    const left = await build({ COFFER_SLIM: '1', COFFER_KEEP_DOCS: '1', COFFER_TRIM_KERNEL: '0' })
    expect(left).toContain('/usr/share/man/man1/zz.1.gz')
    expect(left).not.toContain('/usr/lib/x86_64-linux-gnu/gconv/EBCDIC-ZZ.so')
    expect(stage.has('inside/changes/etc/dpkg/dpkg.cfg.d/30-slim-programs')).toBe(true)
    expect(stage.has('inside/changes/etc/dpkg/dpkg.cfg.d/30-slim-kernel')).toBe(false)
  })

  test('switched off, nothing is missing', async () => {
    expect(await build({ COFFER_SLIM: '0' })).toEqual([...files, '/usr/share/doc/zz-client'])
  })
})
