import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parseDeb822, parseOneLine } from '../../../builder/packages/apt-sources.ts'
import { chooseMirror, hostMirrors } from '../../../builder/packages/mirrors.ts'
import { sourcesFor } from '../../../builder/packages/sources-for.ts'
import { aptMirror } from '../../../builder/plumbing/apt-mirror.ts'
import { tempDir } from './setup.ts'

async function hostWith(files: Record<string, string>): Promise<string> {
  const root = await tempDir()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

const debianSources = `Types: deb deb-src
# the mirror of this house
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`

const host = [
  {
    distribution: 'debian',
    uri: 'http://mirror.example/debian',
    securityUri: 'http://mirror.example/debian-security',
  },
]

test("the host's deb822 sources name its mirrors", async () => {
  const root = await hostWith({ 'etc/apt/sources.list.d/debian.sources': debianSources })
  expect(hostMirrors(root)).toEqual(host)
})

test("the host's one-line sources name its mirrors", async () => {
  const root = await hostWith({
    'etc/apt/sources.list': `# deb http://old.example/debian bookworm main
deb [arch=amd64 trusted=no] http://mirror.example/debian bookworm main contrib # ours
deb-src http://sources.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
`,
    'etc/apt/sources.list.d/ubuntu.list': 'deb http://u.example/ubuntu noble main universe\n',
  })
  expect(hostMirrors(root)).toEqual([...host, { distribution: 'ubuntu', uri: 'http://u.example/ubuntu' }])
})

test("a vendor's repository is not taken for the distribution's archive", async () => {
  const root = await hostWith({
    'etc/apt/sources.list.d/a-vendor.list': `deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example/debian bookworm main
deb http://vendor.example/linux/debian bookworm stable
deb http://vendor.example/apt bookworm-vendor main
`,
    'etc/apt/sources.list.d/disabled.sources': `Enabled: no\n${debianSources.split('\n\n')[0]}\n`,
  })
  expect(hostMirrors(root)).toEqual([])
})

test('a derived distribution is known by its own name', async () => {
  const root = await hostWith({
    'etc/os-release': 'ID=derived\nVERSION_CODENAME="mist"\n',
    'etc/apt/sources.list': 'deb http://mirror.example/derived mist main\n',
  })
  expect(hostMirrors(root)).toEqual([{ distribution: 'derived', uri: 'http://mirror.example/derived' }])
})

test("a list of mirrors, as in Debian's cloud images, stands for its first one", async () => {
  const root = await hostWith({
    'etc/apt/sources.list.d/debian.sources': debianSources.replace(
      'http://mirror.example/debian/',
      'mirror+file:///etc/apt/mirrors/debian.list',
    ),
    'etc/apt/mirrors/debian.list':
      '# first wins\nhttp://mirror.example/debian\nhttp://second.example/debian\n',
  })
  expect(hostMirrors(root)).toEqual(host)
})

test('a host without apt has no mirrors', async () => {
  expect(hostMirrors(await tempDir())).toEqual([])
})

test('folded deb822 fields are read to their end', () => {
  expect(
    parseDeb822('Types: deb\nURIs: http://a.example/x\n http://b.example/x\nSuites: s\nComponents:\n main\n'),
  ).toEqual([
    { uri: 'http://a.example/x', suite: 's', components: ['main'] },
    { uri: 'http://b.example/x', suite: 's', components: ['main'] },
  ])
})

test('a flat source has no components', () => {
  expect(parseOneLine('deb [trusted=yes] http://a.example/x ./')).toEqual([
    { uri: 'http://a.example/x', suite: './', components: [] },
  ])
})

test("DIB_DISTRIBUTION_MIRROR wins; Debian's security archive still comes from the host", () => {
  const question = { distribution: 'debian', suite: 'bookworm', host }
  expect(
    chooseMirror({ ...question, env: { DIB_DISTRIBUTION_MIRROR: 'http://mine.example/debian/' } }),
  ).toEqual({
    uri: 'http://mine.example/debian',
    securityUri: 'http://mirror.example/debian-security',
  })
  const env = {
    DIB_DISTRIBUTION_MIRROR: 'http://any.example/debian',
    DIB_DEBIAN_DISTRIBUTION_MIRROR: 'http://debian.example/debian',
    DIB_DEBIAN_SECURITY_MIRROR: 'http://debian.example/security',
  }
  expect(chooseMirror({ ...question, env })).toEqual({
    uri: 'http://debian.example/debian',
    securityUri: 'http://debian.example/security',
  })
})

test('without it the host decides, and without the host the bootstrap tool', () => {
  expect(chooseMirror({ env: {}, distribution: 'debian', suite: 'bookworm', host })).toEqual({
    uri: 'http://mirror.example/debian',
    securityUri: 'http://mirror.example/debian-security',
  })
  expect(chooseMirror({ env: {}, distribution: 'ubuntu', suite: 'noble', host })).toEqual({})
})

test("an Ubuntu host's mirror is not used for an architecture that it does not carry", () => {
  const ubuntu = [{ distribution: 'ubuntu', uri: 'http://u.example/ubuntu' }]
  const question = { env: {}, distribution: 'ubuntu', suite: 'noble', host: ubuntu }
  expect(chooseMirror({ ...question, architecture: 'arm64' })).toEqual({})
  expect(chooseMirror({ ...question, architecture: 'amd64' }).uri).toBe('http://u.example/ubuntu')
})

test('a release has updates and security, a rolling suite has neither', () => {
  const question = { distribution: 'debian', components: ['main'], mirror: host[0] ?? {} }
  expect(sourcesFor({ ...question, suite: 'bookworm' })).toBe(
    `deb http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://mirror.example/debian-security bookworm-security main
`,
  )
  for (const suite of ['sid', 'unstable', 'testing']) {
    expect(sourcesFor({ ...question, suite })).toBe(`deb http://mirror.example/debian ${suite} main\n`)
  }
  expect(sourcesFor({ ...question, suite: 'buster' })).toContain('debian-security buster/updates main')
  expect(sourcesFor({ ...question, suite: 'bookworm', mirror: {} })).toBe('')
})

test('deb822 output has one stanza an archive and reads back as the same sources', () => {
  const question = {
    distribution: 'debian',
    suite: 'bookworm',
    components: ['main', 'contrib'],
    mirror: host[0] ?? {},
    signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
  }
  const text = sourcesFor({ ...question, format: 'deb822' })
  expect(text).toBe(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`)
  expect(parseDeb822(text)).toEqual(parseOneLine(sourcesFor(question)))
})

test('apt-mirror prints the lines for a root.d script', () => {
  const env = { DIB_DISTRIBUTION_MIRROR: 'http://u.example/ubuntu' }
  expect(aptMirror(['ubuntu', 'noble', 'main,restricted'], env, () => {}, [])).toBe(
    `deb http://u.example/ubuntu noble main restricted
deb http://u.example/ubuntu noble-updates main restricted
deb http://u.example/ubuntu noble-security main restricted
deb http://u.example/ubuntu noble-backports main restricted
`,
  )
  expect(aptMirror(['debian', 'sid'], { DIB_DEBIAN_COMPONENTS: 'main,contrib' }, () => {}, host)).toBe(
    'deb http://mirror.example/debian sid main contrib\n',
  )
  expect(aptMirror(['debian', 'bookworm'], {}, () => {}, [])).toBe('')
})

test('apt-mirror says when an image would get no security updates', () => {
  const said: string[] = []
  const env = { DIB_DISTRIBUTION_MIRROR: 'http://d.example/debian' }
  expect(aptMirror(['debian', 'bookworm'], env, (text) => said.push(text), [])).not.toContain('security')
  expect(said.join()).toContain('DIB_DEBIAN_SECURITY_MIRROR')
})

test.each([[[]], [['debian']], [['debian', '$(reboot)']], [['debian', 'sid', 'main;x']]])(
  'apt-mirror %j is a usage error',
  (args) => {
    expect(() => aptMirror(args, {}, () => {}, host)).toThrow(
      expect.objectContaining({ code: 'APT_MIRROR_USAGE', exitCode: 2 }),
    )
  },
)
