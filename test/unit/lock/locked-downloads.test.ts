import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { renderLock } from '../../../builder/lock/lock.ts'
import { lockedVariables, refuseOtherBuild } from '../../../builder/lock/locked-sources.ts'
import { readRecorded, withoutCredentials } from '../../../builder/lock/recorded.ts'
import { buildInput } from '../../../builder/plumbing/build-input.ts'
import { run } from '../../../lib/exec.ts'
import { sha256 } from '../../../lib/hash.ts'
import { example } from './example.ts'

const url = 'https://vendor.example/file.tar'
let work: string
let env: Record<string, string>

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-input-'))
  onTestFinished(() => rm(work, { recursive: true }))
  await writeFile(join(work, 'record'), '')
  env = { COFFER_RECORD: join(work, 'record'), DIB_IMAGE_CACHE: join(work, 'cache') }
})

/** A file of the test. */
async function file(name: string, content: string): Promise<string> {
  await mkdir(work, { recursive: true })
  await writeFile(join(work, name), content)
  return join(work, name)
}

/** The environment of a build from a lock that names `content` for the URL. */
async function locked(content: string): Promise<Record<string, string>> {
  const downloads = [{ url, sha256: sha256(content), size: content.length }]
  return { ...env, COFFER_LOCKED: await file('x.lock', renderLock({ ...example, downloads })) }
}

describe('a file that a script fetched', () => {
  test('is recorded by its digest, without credentials and query', async () => {
    await buildInput(
      ['keep', 'https://ann:secret@vendor.example/file.tar?token=t', await file('f', 'old')],
      env,
    )
    expect(await readRecorded(join(work, 'record'))).toEqual([
      { kind: 'file', url, sha256: sha256('old'), size: 3 },
    ])
    expect(await readFile(join(work, 'record'), 'utf8')).not.toMatch(/secret|token/)
  })

  test('is kept by a build that makes a lock, and found by one from it', async () => {
    await buildInput(['keep', url, await file('f', 'old')], { ...env, COFFER_LOCKING: '1' })
    const part = await file('part', '')
    expect(await buildInput(['find', url, part], await locked('old'))).toBe('placed\n')
    expect(await readFile(part, 'utf8')).toBe('old')
  })

  test('is left where it lies when it is what the lock names', async () => {
    const atHand = await file('at-hand', 'old')
    expect(await buildInput(['find', url, join(work, 'part'), atHand], await locked('old'))).toBe('current\n')
    expect(await buildInput(['find', url, join(work, 'part'), atHand], await locked('other'))).toBe(
      'absent\n',
    )
    expect(await buildInput(['find', url, join(work, 'part'), join(work, 'none')], await locked('old'))).toBe(
      'absent\n',
    )
  })

  test('is refused when the server has another by now', async () => {
    const refused = buildInput(['keep', url, await file('f', 'new')], await locked('old'))
    await expect(refused).rejects.toMatchObject({
      code: 'LOCK_DIGEST_MISMATCH',
      message: expect.stringContaining(`${url} has moved on`),
    })
    expect(await readRecorded(join(work, 'record'))).toEqual([])
  })

  test('is refused when the lock does not name it at all', async () => {
    const env = await locked('old')
    for (const words of [
      ['find', 'https://x.example/', join(work, 'part')],
      ['keep', 'https://x.example/', await file('f', 'old')],
    ]) {
      await expect(buildInput(words, env)).rejects.toMatchObject({ code: 'NOT_IN_LOCK' })
    }
  })

  test('leaves no copy behind in a build that has to do with no lock', async () => {
    await buildInput(['keep', url, await file('f', 'old')], env)
    expect(await run(['find', work, '-name', sha256('old')])).toMatchObject({ stdout: '' })
  })
})

describe('a source', () => {
  const revision = example.sources[0]?.revision ?? ''

  test('is recorded without credentials', async () => {
    await buildInput(['source', 'app', 'https://u:p@git.example/app.git', 'main', revision], env)
    expect(await readRecorded(join(work, 'record'))).toEqual([{ kind: 'source', ...example.sources[0] }])
  })

  test('at another commit than the lock names is refused', async () => {
    const env = await locked('')
    await expect(
      buildInput(['source', 'app', 'https://git.example/app.git', 'main', '2'.repeat(40)], env),
    ).rejects.toMatchObject({ code: 'NOT_IN_LOCK', message: expect.stringContaining(revision) })
    await expect(
      buildInput(['source', 'other', 'https://git.example/app.git', 'main', revision], env),
    ).rejects.toThrow('the lock names none of that name')
    expect(await buildInput(['source', 'app', 'https://moved.example/', revision, revision], env)).toBe('')
  })

  test('is pinned through the variable that its element reads', () => {
    const lock = { ...example, sources: [{ name: 'my-app', location: 'l', ref: 'main', revision }] }
    expect(lockedVariables(lock, {})).toEqual({
      DISTRO_NAME: 'debian',
      DIB_RELEASE: 'bookworm',
      DIB_REPOREF_my_app: revision,
    })
    expect(lockedVariables(lock, { DISTRO_NAME: 'debian', DIB_RELEASE: 'sid' })).not.toHaveProperty(
      'DIB_RELEASE',
    )
  })
})

test('a lock of another system is refused, by the caller’s words or the root element’s', async () => {
  expect(() => refuseOtherBuild(example, { architecture: 'arm64' })).toThrow(
    'The lock is for the architecture amd64, and this build is for arm64',
  )
  refuseOtherBuild(example, { distribution: undefined, release: '', architecture: 'amd64' })
  await expect(buildInput(['system', 'debian', 'sid'], await locked(''))).rejects.toMatchObject({
    code: 'LOCK_OF_ANOTHER_BUILD',
  })
  await buildInput(['system', 'debian', 'bookworm'], await locked(''))
  expect(await readRecorded(join(work, 'record'))).toHaveLength(1)
})

test.each([
  ['https://u:p@h.example/x?a=b#c', 'https://h.example/x'],
  ['git@h.example:x.git', 'git@h.example:x.git'],
  ['/srv/git/x', '/srv/git/x'],
  ['file:db2.tar.gz', 'file:db2.tar.gz'],
  ['ssh://git:p@h.example/x', 'ssh://git@h.example/x'],
])('%s is kept as %s', (address, kept) => {
  expect(withoutCredentials(address)).toBe(kept)
})

test('the program says how it is used, and nothing else of itself', async () => {
  await expect(buildInput(['keep'], env)).rejects.toMatchObject({ code: 'BUILD_INPUT_USAGE', exitCode: 2 })
  const program = new URL('../../../builder/libexec/build-input', import.meta.url).pathname
  const result = await run([program, 'keep', url, join(work, 'none')], {
    check: false,
    env: { ...env, PATH: process.env.PATH, COFFER_NODE: process.execPath },
  })
  expect(result.exitCode).toBe(1)
  expect(result.stderr).toMatch(/^ERROR: ENOENT[^\n]*\n$/)
})
