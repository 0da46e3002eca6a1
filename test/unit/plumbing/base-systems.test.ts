import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { canChroot, makeStage, type Stage } from './stage.ts'

let stage: Stage
afterEach(() => stage.remove())

describe('the bootstrap', () => {
  /** Stands in for the bootstrap tools, which need the network: writes its arguments and a tree that looks like theirs. */
  const tool =
    '#!/bin/bash\nset -e\necho "${0##*/} $* proxy=${http_proxy:-}" >>"$TMP_BUILD_DIR/calls"\n' +
    'mkdir -p "$TARGET_ROOT/etc/apt/sources.list.d" "$TARGET_ROOT/bin"\ntouch "$TARGET_ROOT/etc/apt/sources.list" "$TARGET_ROOT/bin/sh"\n'
  const bootstrap = async (env: Record<string, string> = {}, tools = ['mmdebstrap', 'debootstrap']) => {
    for (const name of tools) stage.write(`tools/${name}`, tool)
    const system = stage.env.PATH?.split(':').filter((path) => !path.endsWith('libexec'))
    // The machine's own bootstrap tools must not answer when one is "not installed".
    const path = tools.includes('mmdebstrap') ? system : []
    for (const name of ['bash', 'sh', 'dpkg', 'rm', 'tar', 'gzip', 'mv', 'mkdir', 'touch', 'env', 'cat']) {
      await run(['ln', '-sf', `/usr/bin/${name}`, join(stage.directory, 'tools', name)])
    }
    return stage.outside('root.d/08-debootstrap', {
      PATH: [join(stage.directory, 'tools'), ...(path ?? [])].join(':'),
      ...env,
    })
  }

  test('is mmdebstrap’s when it is installed, and leaves no sources behind', async () => {
    stage = makeStage(['debootstrap'])
    const result = await bootstrap({
      DIB_DISTRIBUTION_MIRROR: 'http://mirror.example/',
      DIB_DEBIAN_COMPONENTS: 'main,contrib',
      http_proxy: 'http://proxy:1',
    })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('calls')).toBe(
      `mmdebstrap --mode=root --variant=minbase --format=directory --components=main,contrib --architectures=amd64 --skip=check/empty --aptopt=Acquire::http::Proxy "http://proxy:1" bookworm ${stage.tree} http://mirror.example/ proxy=http://proxy:1\n`,
    )
    for (const left of ['sources.list', 'sources.list.d'])
      expect(stage.has(`mnt/etc/apt/${left}`)).toBe(false)
  })

  test.each([
    [{ DIB_APT_KEYRING: '/keys.gpg' }, '--keyring=/keys.gpg bookworm'],
    [{ DIB_DEBOOTSTRAP_EXTRA_ARGS: '--include=vim --verbose' }, '--include=vim --verbose bookworm'],
    [
      { DIB_DEBIAN_DEBOOTSTRAP_SCRIPT: '/scripts/x', DIB_DISTRIBUTION_MIRROR: 'http://m/' },
      'http://m/ /scripts/x',
    ],
  ])('is debootstrap’s for what only that can do: %o', async (env, words) => {
    stage = makeStage(['debootstrap'])
    expect(await bootstrap(env)).toMatchObject({ exitCode: 0 })
    expect(stage.read('calls')).toMatch(
      /^debootstrap --verbose --variant=minbase --components=main --arch=amd64 /,
    )
    expect(stage.read('calls')).toContain(words)
  })

  test('is debootstrap’s where nothing else is installed', async () => {
    stage = makeStage(['debootstrap'])
    expect(await bootstrap({}, ['debootstrap'])).toMatchObject({ exitCode: 0 })
    expect(stage.read('calls')).toMatch(/^debootstrap/)
  })

  test('is kept as a tarball when asked to, and taken from it offline', async () => {
    stage = makeStage(['debootstrap'])
    expect(await bootstrap({ DIB_DEBOOTSTRAP_CACHE: '1' })).toMatchObject({ exitCode: 0 })
    await run(['rm', '-r', join(stage.tree, 'bin'), join(stage.directory, 'calls')])
    const result = await bootstrap({ DIB_OFFLINE: '1' })
    expect(result.stdout).toContain('debootstrap-debian-bookworm-amd64.tar.gz found in cache. Using.')
    expect(stage.has('mnt/bin/sh')).toBe(true)
    expect(stage.has('calls')).toBe(false)
  })

  test('leaves no package lists in the image', async () => {
    stage = makeStage(['debootstrap'])
    stage.write('mnt/var/lib/apt/lists/partial/x', '')
    expect(await stage.outside('cleanup.d/99-clean-up-cache')).toMatchObject({ exitCode: 0 })
    expect((await run(['ls', '-A', join(stage.tree, 'var/lib/apt/lists')])).stdout).toBe('')
  })
})

describe.skipIf(!canChroot)('directories shared between builds', () => {
  /** Runs the hook in a mount namespace of its own and leaves a file through the mount. */
  const through = (hook: string, place: string) =>
    run(
      [
        'unshare',
        '--mount',
        '--',
        'sh',
        '-ec',
        '"$1"; touch "$2"',
        'sh',
        join(stage.hooks, hook),
        join(stage.tree, place),
      ],
      {
        env: stage.env,
        check: false,
      },
    )

  test('hold the packages of apt', async () => {
    stage = makeStage(['dpkg'])
    expect(await through('root.d/50-shared-apt-cache', 'var/cache/apt/archives/x.deb')).toMatchObject({
      exitCode: 0,
    })
    expect(stage.has('cache/apt/debian/x.deb')).toBe(true)
    expect(stage.has('mnt/var/cache/apt/archives/x.deb')).toBe(false)
  })

  test('hold the packages of pip', async () => {
    stage = makeStage(['pip-cache'])
    expect(await through('root.d/11-pip-cache', 'tmp/pip/x.whl')).toMatchObject({ exitCode: 0 })
    expect(stage.has('cache/pip/x.whl')).toBe(true)
  })
})

describe.skipIf(!canChroot)('base', () => {
  const calls = async (env: Record<string, string> = {}) => {
    stage = makeStage(['base', 'dpkg', 'install-bin'])
    // Stands in for apt, which would need the network.
    const before =
      'printf \'#!/bin/sh\\necho "apt: $*" >>/srv/calls\\n\' >/usr/local/sbin/install-packages; chmod 0755 /usr/local/sbin/install-packages; ' +
      'cp /usr/local/sbin/install-packages /usr/local/sbin/apt-lists-update'
    const scripts = [
      'pre-install.d/03-baseline-tools',
      'install.d/00-baseline-environment',
      'install.d/00-up-to-date',
    ]
    expect(await stage.inside(scripts, { before, env })).toMatchObject({ exitCode: 0 })
    return stage.has('inside/changes/srv/calls') ? stage.read('inside/changes/srv/calls') : ''
  }

  test('brings all packages up to date and installs nothing nobody asked for', async () => {
    expect(await calls()).toBe('apt: \napt: -u\n')
  })

  test('leaves packages as they are, or adds its own, when asked to', async () => {
    expect(await calls({ DIB_AVOID_PACKAGES_UPDATE: '1' })).toBe('apt: \n')
    stage.remove()
    expect(await calls({ DIB_BASE_ISCSI: '1', DIB_BASE_SOFTWARE_PROPERTIES: '1' })).toBe(
      'apt: \napt: software-properties-common\napt: -m base iscsi_package\napt: -u\n',
    )
    stage.remove()
    expect(await calls({ DIB_BASE_ISCSI: '1', DIB_SKIP_BASE_PACKAGE_INSTALL: '1' })).toBe('apt: \napt: -u\n')
  })
})

const canLoop =
  canChroot &&
  (await run(['sh', '-c', 'losetup -f && command -v sfdisk mkfs.ext4 qemu-img'], { check: false }))
    .exitCode === 0

describe.skipIf(!canLoop)('a cloud image', () => {
  const extract = (env: Record<string, string> = {}) =>
    run(
      [
        join(stage.hooks, 'bin/extract-image'),
        'x',
        'root.tgz',
        `file://${stage.directory}/cloud.qcow2`,
        join(stage.cache, 'cloud.qcow2'),
      ],
      { env: { ...stage.env, TMP_DIR: stage.directory, ...env }, check: false },
    )

  test('is unpacked from its root partition, and from the cached tarball the next time', async () => {
    stage = makeStage(['sysprep', 'cache-url'])
    const at = (path: string) => join(stage.directory, path)
    stage.write('root/etc/os-release', 'ID=test\n')
    stage.write('boot/vmlinuz', 'kernel\n')
    stage.write('root/boot/x', '')
    await run(['truncate', '-s', '40M', at('disk')])
    await run(['sfdisk', '-q', at('disk')], {
      input:
        'label: gpt\nstart=2048,size=16384,type=bc13c2ff-59e6-4262-a352-b275fd6f7172\nstart=20480,size=49152\n',
    })
    for (const [tree, label, sectors, start] of [
      ['boot', 'boot', 16384, 2048],
      ['root', 'rootfs', 49152, 20480],
    ] as const) {
      await run([
        'mkfs.ext4',
        '-q',
        '-L',
        label,
        '-d',
        at(tree),
        '-E',
        `offset=${start * 512}`,
        at('disk'),
        `${sectors / 2}k`,
      ])
    }
    await run(['qemu-img', 'convert', '-O', 'qcow2', at('disk'), at('cloud.qcow2')])
    const first = await extract()
    expect(first).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/etc/os-release')).toBe('ID=test\n')
    expect(stage.read('mnt/boot/vmlinuz')).toBe('kernel\n')
    expect((await extract({ DIB_OFFLINE: '1' })).stdout).toContain('Not checking freshness of cached')
    expect((await extract()).stdout).toContain('Using cached tar')
    expect((await run(['losetup', '-l'])).stdout).not.toContain(stage.directory)
  })
})
