import { mkdtempSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { run } from '../../../../../lib/exec.ts'
import { removeTree } from '../../../../../lib/tree.ts'
import { recordFiles } from '../../../../../registry/images/record.ts'
import { type BuiltImage, builtImage } from '../../../registry/signature/signed-image.ts'
import { trackerData } from '../../../registry/vulnerabilities/tracker-data.ts'

// Each test runs several programs, beside other tests that do the same.
vi.setConfig({ testTimeout: 60_000 })

const root = new URL('../../../../..', import.meta.url).pathname
const top = mkdtempSync(join(tmpdir(), 'image-supply-'))
afterAll(() => removeTree(top))

let turn = 0
let home = ''
let built: BuiltImage
beforeEach(async () => {
  home = join(top, String(turn++))
  await mkdir(home)
  built = await builtImage(home)
})

const program = (name: string, words: readonly string[], env: Record<string, string> = {}) =>
  run([join(root, 'runtime/bin', name), ...words], {
    check: false,
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, COFFER_STATE_DIR: home, ...env },
  })
const image = (...words: string[]) => program('coffer', ['image', ...words])

/** Only images that a key in this directory signed. */
async function requireSignatures(): Promise<void> {
  await mkdir(join(home, 'trusted'))
  await writeFile(
    join(home, 'trove.conf'),
    `[coffer]\nrequire_signed_images = yes\ntrusted_image_keys = ${home}/trusted\n`,
  )
}

test('an image is signed and verified, and what differs is named', async () => {
  expect(await image('keygen', 'release')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(
      /^key [0-9a-f]{64}\nrelease {2}private, not encrypted: .*\nrelease.pub {2}public: /,
    ),
  })
  expect(await image('keygen', 'release')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^release exists, and a key is never overwritten\nhint: /),
  })
  expect(await image('verify', 'redis.raw', '--key', 'release.pub')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining(
      'FAILED  signature  The image redis.raw has no signature (IMAGE_UNSIGNED)',
    ),
  })
  expect(await image('sign', 'redis.raw', '--key', 'release')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^signed with key [0-9a-f]{64}: redis.raw, manifest.json, files.json.gz, /),
  })
  const { exitCode, stdout } = await image('verify', 'redis.raw', '--key', 'release.pub')
  expect(stdout.replaceAll(/[0-9a-f]{16,}/g, '…')).toBe(`ok      signature        key … (release.pub)
ok      redis.raw        sha256 …
ok      files.json.gz    sha256 …
ok      manifest.json    sha256 …
ok      provenance.json  sha256 …
ok      sbom.cdx.json    sha256 …
ok      sbom.spdx.json   sha256 …
`)
  expect(exitCode).toBe(0)

  await appendFile(join(built.directory, recordFiles.files), 'x')
  const report = await image('verify', 'redis.raw', '--key', 'release.pub', '--json')
  expect(report.exitCode).toBe(1)
  const { held, findings } = JSON.parse(report.stdout) as { held: boolean; findings: { held: boolean }[] }
  expect(held).toBe(false)
  expect(findings.filter((one) => !one.held)).toEqual([
    expect.objectContaining({ what: 'files.json.gz', code: 'SIGNED_FILE_DIFFERS' }),
  ])
})

test('a passphrase comes from the environment or a file, and is shown nowhere', async () => {
  const secret = { COFFER_SIGNING_PASSPHRASE: 'open sesame' }
  await writeFile(join(home, 'phrase'), 'open sesame\n')
  const outputs = [
    await program('coffer', ['image', 'keygen', 'key'], secret),
    await program('coffer', ['image', 'sign', 'redis.raw', '--key', 'key'], secret),
    await image('sign', 'redis.raw', '--key', 'key', '--passphrase-file', 'phrase'),
    await image('sign', 'redis.raw', '--key', 'key'),
  ]
  expect(outputs.map((one) => one.exitCode)).toEqual([0, 0, 0, 1])
  expect(outputs[3]?.stderr).toMatch(/^The signing key key needs its passphrase\nhint: /)
  expect(JSON.stringify(outputs)).not.toContain('sesame')
})

test('documents that a record lacks are made before it is signed', async () => {
  await rm(join(built.directory, recordFiles.spdx))
  await writeFile(join(built.directory, recordFiles.cyclonedx), '{"forged": true}')
  await image('keygen', 'release')
  await image('sign', 'redis.raw', '--key', 'release')
  expect(JSON.parse(await readFile(join(built.directory, recordFiles.cyclonedx), 'utf8'))).not.toHaveProperty(
    'forged',
  )
  expect((await image('verify', 'redis.raw', '--key', 'release.pub')).exitCode).toBe(0)
})

test('the record of another image is not signed with it', async () => {
  await appendFile(built.image, 'x')
  await image('keygen', 'release')
  expect(await image('sign', 'redis.raw', '--key', 'release')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('The record beside redis.raw is not that of this image'),
  })
})

test('where signatures are required, nothing else is put, signed later it is, and versions take it', async () => {
  await requireSignatures()
  expect(await image('put', 'redis.raw')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^There is no public key in .*trusted/),
  })
  await image('keygen', 'trusted/release')
  expect(await image('put', 'redis.raw')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^The image redis.raw has no signature\nhint: /),
  })
  await image('sign', 'redis.raw', '--key', 'trusted/release')
  const put = await image('put', 'redis.raw')
  expect(put).toMatchObject({ exitCode: 0, stderr: '' })
  const id = put.stdout.trim()
  // The trusted keys of the settings, and the files that went into the store.
  expect((await image('verify', id)).exitCode).toBe(0)
  await program('trove-manage', ['datastore_update', 'redis', ''])
  const version = () =>
    program('trove-manage', ['datastore_version_update', 'redis', '7.0', 'redis', id, '', '1'])
  expect(await version()).toMatchObject({ exitCode: 0 })
  await appendFile(join(home, 'images', id, 'record', recordFiles.spdx), ' ')
  expect(await version()).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('sbom.spdx.json is not what was signed'),
  })
})

test('an image that is stored can be signed where it is', async () => {
  for (const name of await readdir(built.directory)) await rm(join(built.directory, name))
  const id = (await image('put', 'redis.raw')).stdout.trim()
  await image('keygen', 'release')
  expect(await image('sign', id, '--key', 'release')).toMatchObject({ exitCode: 0 })
  expect(await image('verify', 'redis.raw', '--key', 'release.pub')).toMatchObject({ exitCode: 1 })
  expect(await image('verify', id, '--key', 'release.pub')).toMatchObject({ exitCode: 0 })
})

test('the SBOM of a file or a stored image is printed, made anew where it is missing', async () => {
  const spdx = await image('sbom', 'redis.raw')
  expect(spdx.stdout).toBe(await readFile(join(built.directory, recordFiles.spdx), 'utf8'))
  await image('put', 'redis.raw', '--name', 'kept')
  const stored = await image('sbom', 'kept', '--format', 'cyclonedx')
  expect(JSON.parse(stored.stdout)).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' })
  await rm(join(built.directory, recordFiles.spdx))
  expect((await image('sbom', 'redis.raw')).stdout).toBe(spdx.stdout)
  await rm(join(built.directory, recordFiles.record))
  expect(await image('sbom', 'redis.raw')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('There is no record of the build of redis.raw'),
  })
  expect(await image('sbom', 'nothing')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^Image nothing cannot be found.\nhint: /),
  })
})

test('known vulnerabilities are listed; the exit status says whether there are any', async () => {
  await writeFile(join(home, 'data.json'), JSON.stringify(trackerData))
  const vuln = (...words: string[]) => image('vuln', 'redis.raw', '--data', 'data.json', ...words)
  expect(await vuln()).toMatchObject({
    exitCode: 1,
    stdout: `+---------------------+---------+--------------------+--------------------+------------------+
| CVE                 | Package | Installed          | Fixed              | Urgency          |
+---------------------+---------+--------------------+--------------------+------------------+
| CVE-2026-0001       | redis   | 5:7.0.15-1~deb12u1 | 5:7.0.15-1~deb12u2 | high             |
| CVE-2024-0003       | redis   | 5:7.0.15-1~deb12u1 |                    | not yet assigned |
| TEMP-0000000-AB12CD | gcc-12  | 12.2.0-14+deb12u1  |                    | low              |
+---------------------+---------+--------------------+--------------------+------------------+
3 open in 2 of 3 source packages (bookworm), 1 of them fixed in a later version.
1 more are undetermined: nobody has looked into them yet.
Not in the data: zlib1g.
`,
  })
  const json = await vuln('--json', '--severity', 'high')
  expect(json.exitCode).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({ image: 'redis.raw', open: [{ id: 'CVE-2026-0001' }] })
  expect(await vuln('--severity', 'medium')).toMatchObject({ exitCode: 0 })
})

test('an image without a record tells its packages itself', async () => {
  await mkdir(join(home, 'tree/var/lib/dpkg'), { recursive: true })
  await mkdir(join(home, 'tree/etc'))
  await writeFile(join(home, 'tree/etc/os-release'), 'ID=debian\nVERSION_CODENAME=bookworm\n')
  await writeFile(
    join(home, 'tree/var/lib/dpkg/status'),
    'Package: redis-server\nSource: redis\nVersion: 5:7.0.15-1~deb12u2\nStatus: install ok installed\n',
  )
  await run(['tar', '-cf', 'other.tar', '-C', 'tree', '.'], { cwd: home, env: { PATH: process.env.PATH } })
  await writeFile(join(home, 'data.json'), JSON.stringify(trackerData))
  const { exitCode, stdout } = await image('vuln', 'other.tar', '--data', 'data.json', '--json')
  expect(exitCode).toBe(1)
  // The fix of CVE-2026-0001 is installed.
  expect(JSON.parse(stdout)).toMatchObject({ release: 'bookworm', open: [{ id: 'CVE-2024-0003' }] })
})

test('the record of another image is not taken for that of this one', async () => {
  await appendFile(built.image, 'x')
  await writeFile(join(home, 'data.json'), JSON.stringify(trackerData))
  const stderr = expect.stringContaining('The record beside redis.raw is not that of this image')
  expect(await image('sbom', 'redis.raw')).toMatchObject({ exitCode: 1, stdout: '', stderr })
  expect(await image('vuln', 'redis.raw', '--data', 'data.json')).toMatchObject({ exitCode: 2, stderr })
})

test.each([
  ['no data', ['--data', 'none'], /The data none cannot be read: ENOENT/],
  [
    'broken data',
    ['--data', 'broken'],
    /broken is not the JSON data of Debian's security tracker: at byte 9: /,
  ],
  [
    'a release that the data do not know',
    ['--data', 'data.json', '--release', 'noble'],
    /no issue of .* release noble/,
  ],
  [
    'a class of urgency that is none',
    ['--data', 'data.json', '--severity', 'huge'],
    /It is a list of high, medium/,
  ],
  ['no option', [], /required option '--data <file>' not specified/],
])('%s is no answer: status 2', async (_what, words, message) => {
  await writeFile(join(home, 'data.json'), JSON.stringify(trackerData))
  await writeFile(join(home, 'broken'), '{"redis":')
  expect(await image('vuln', 'redis.raw', ...words)).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(message),
  })
})
