import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'

const elements = new URL('../../../elements/', import.meta.url).pathname

/** The environment after sourcing the environment files of the elements, in the order of their names, as phases do. */
async function environmentOf(
  files: readonly string[],
  given: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const script = 'set -eu; for file; do . "$file"; done; env -0'
  const paths = files.map((file) => `${elements}${file}`)
  const { stdout } = await run(['bash', '-c', script, 'bash', ...paths], {
    env: { PATH: process.env.PATH, ...given },
  })
  const pairs = stdout.split('\0').map((pair) => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), pair.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

const debian = [
  'apt-bootstrap/environment.d/10-apt-bootstrap.bash',
  'debian-minimal/environment.d/10-debian-minimal.bash',
  'debian-minimal/environment.d/11-debian-minimal-packages.bash',
]
const ubuntu = [
  'apt-bootstrap/environment.d/10-apt-bootstrap.bash',
  'ubuntu-common/environment.d/10-ubuntu-distro.bash',
  'ubuntu-minimal/environment.d/11-ubuntu-kernel.bash',
  'ubuntu-minimal/environment.d/12-ubuntu-sources.bash',
]

test('debian-minimal is bookworm and names no mirror of its own', async () => {
  expect(await environmentOf(debian)).toMatchObject({
    DISTRO_NAME: 'debian',
    DIB_RELEASE: 'bookworm',
    DIB_INIT_SYSTEM: 'systemd',
    EFI_BOOT_DIR: 'EFI/debian',
    DIB_DISTRIBUTION_MIRROR: '',
    DIB_APT_SOURCES_CONF: '',
  })
})

test('a named mirror serves the release and its updates, and security updates from the place named for them', async () => {
  const environment = await environmentOf(debian, {
    DIB_RELEASE: 'bookworm',
    DIB_DISTRIBUTION_MIRROR: 'http://mirror.test/debian',
    DIB_DEBIAN_SECURITY_MIRROR: 'http://mirror.test/security',
    DIB_DEBIAN_COMPONENTS: 'main,contrib',
  })
  expect(environment.DIB_APT_SOURCES_CONF).toBe(
    [
      'default:deb http://mirror.test/debian bookworm main contrib',
      'updates:deb http://mirror.test/debian bookworm-updates main contrib',
      'security:deb http://mirror.test/security bookworm-security main contrib',
    ].join('\n'),
  )
})

test.each(['sid', 'unstable'])('%s has neither an updates nor a security suite', async (release) => {
  const environment = await environmentOf(debian, {
    DIB_RELEASE: release,
    DIB_DISTRIBUTION_MIRROR: 'http://mirror.test/debian',
    DIB_DEBIAN_SECURITY_MIRROR: 'http://mirror.test/security',
  })
  expect(environment.DIB_APT_SOURCES_CONF).toBe(`default:deb http://mirror.test/debian ${release} main`)
})

test("the user's own apt sources are left as they are", async () => {
  const environment = await environmentOf(debian, {
    DIB_APT_SOURCES_CONF: 'mine:deb http://mine.test/ x y',
    DIB_DISTRIBUTION_MIRROR: 'http://mirror.test/debian',
  })
  expect(environment.DIB_APT_SOURCES_CONF).toBe('mine:deb http://mine.test/ x y')
})

test('the Debian mirror wins over the distribution mirror', async () => {
  const environment = await environmentOf(debian, {
    DIB_DISTRIBUTION_MIRROR: 'http://a.test/',
    DIB_DEBIAN_DISTRIBUTION_MIRROR: 'http://b.test/',
  })
  expect(environment.DIB_DISTRIBUTION_MIRROR).toBe('http://b.test/')
})

test('ubuntu-minimal takes the suites it is told to', async () => {
  const environment = await environmentOf(ubuntu, {
    DIB_RELEASE: 'jammy',
    DIB_DISTRIBUTION_MIRROR: 'http://mirror.test/ubuntu',
    DIB_UBUNTU_MIRROR_DISTS: 'updates,security',
    DIB_DEBIAN_COMPONENTS: 'main',
  })
  expect(environment).toMatchObject({
    DISTRO_NAME: 'ubuntu',
    DIB_UBUNTU_KERNEL: 'linux-image-virtual',
    DIB_APT_SOURCES_CONF: [
      'default:deb http://mirror.test/ubuntu jammy main',
      'updates:deb http://mirror.test/ubuntu jammy-updates main',
      'security:deb http://mirror.test/ubuntu jammy-security main',
    ].join('\n'),
  })
})

test("the database guest's kernel command line can be replaced, and comes before the boot loader's default", async () => {
  const files = [
    'guest-boot/environment.d/09-guest-boot.bash',
    'bootloader/environment.d/10-bootloader-default-cmdline',
  ]
  expect((await environmentOf(files)).DIB_BOOTLOADER_DEFAULT_CMDLINE).toContain('net.ifnames=0')
  const given = { DIB_BOOTLOADER_DEFAULT_CMDLINE: 'mine' }
  expect((await environmentOf(files, given)).DIB_BOOTLOADER_DEFAULT_CMDLINE).toBe('mine')
})
