import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { makeStage, type Stage } from './stage.ts'

const has = async (program: string) =>
  run([program, '--version'], { check: false }).then(
    () => true,
    () => false,
  )
const ready = (await has('git')) && (await has('curl'))

describe.skipIf(!ready)('source-repositories', () => {
  let stage: Stage
  afterEach(() => stage.remove())

  const at = (path: string) => join(stage.directory, path)
  const fetch = (env: Record<string, string> = {}) =>
    stage.outside('extra-data.d/98-source-repositories', { DIB_SOURCE_REPOSITORIES_RETRY_PAUSE: '0', ...env })
  const git = (...args: string[]) =>
    run(['git', '-C', at('origin'), '-c', 'user.name=N', '-c', 'user.email=n@example.org', ...args])

  /** An element with these lines; @ stands for the stage's directory. */
  function withLines(...lines: string[]): void {
    stage = makeStage(['source-repositories', 'cache-url', 'manifests'])
    stage.write(
      'hooks/source-repository-app',
      lines.map((line) => `${line.replaceAll('@', stage.directory)}\n`).join(''),
    )
  }

  /** A repository with branch master at "two" and tag v1 at "one". */
  async function origin(): Promise<{ one: string; two: string }> {
    mkdirSync(at('origin'))
    await git('init', '-q', '-b', 'master')
    const commit = async (text: string) => {
      stage.write('origin/file', text)
      await git('add', '.')
      await git('commit', '-qm', text)
      return (await git('rev-parse', 'HEAD')).stdout.trim()
    }
    const one = await commit('one')
    await git('tag', 'v1')
    return { one, two: await commit('two') }
  }

  test('a git repository lands at its path with its default branch, and the manifest says which commit', async () => {
    withLines('# a comment', '', 'my-app git /opt/app @/origin')
    const { two } = await origin()
    expect(await fetch()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(stage.read('mnt/opt/app/file')).toBe('two')
    expect(stage.read('mnt/etc/dib-manifests/dib-manifest-git-image')).toBe(
      `my-app git /opt/app ${stage.directory}/origin ${two}\n`,
    )
    expect(stage.read('mnt/etc/dib-source-repositories')).toBe('/opt/app\n')
    expect(readdirSync(at('cache/source-repositories')).sort()).toEqual([
      expect.stringMatching(/^my_app_[0-9a-f]{40}$/),
      'repositories_flock',
    ])
  })

  test('the cache is found under the name disk-image-builder gives it', async () => {
    withLines('my-app git /opt/app @/origin')
    await origin()
    await fetch()
    const sum = (await run(['sha1sum'], { input: `git_${stage.directory}/origin\n` })).stdout.slice(0, 40)
    expect(stage.has(`cache/source-repositories/my_app_${sum}`)).toBe(true)
  })

  test.each([
    ['a tag', 'v1', 'one'],
    ['every branch and tag', '*', 'two'],
  ])('the ref may be %s', async (_, ref, content) => {
    withLines(`app git /opt/app @/origin ${ref}`)
    await origin()
    expect(await fetch()).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/app/file')).toBe(content)
    expect((await run(['git', '-C', at('mnt/opt/app'), 'rev-parse', 'v1'])).exitCode).toBe(0)
  })

  test('the ref may be a commit, also an older one, and the variables of the caller go first', async () => {
    withLines('my-app git /opt/app /no/such/place')
    const { one } = await origin()
    const result = await fetch({ DIB_REPOREF_my_app: one, DIB_REPOLOCATION_my_app: at('origin') })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/app/file')).toBe('one')
  })

  test('a ref that does not exist ends the build with its name', async () => {
    withLines('app git /opt/app @/origin nonsense')
    await origin()
    const result = await fetch()
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('Failed to find reference to nonsense')
  })

  test('a location that cannot be cloned is tried five times', async () => {
    withLines('app git /opt/app @/nowhere')
    const result = await fetch()
    expect(result.exitCode).not.toBe(0)
    expect(result.stdout).toContain('(attempt 5 of 5)')
  })

  test('lines expand variables, and a line in another format is refused', async () => {
    withLines('app git /opt/app ${PLACE}/origin ${REF:-v1}', 'broken line')
    await origin()
    const result = await fetch({ PLACE: stage.directory })
    expect(stage.read('mnt/opt/app/file')).toBe('one')
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain("Couldn't parse 'broken line' as a source repository")
  })

  test('DIB_GITREPOBASE moves repositories to another server', async () => {
    withLines('app git /opt/app https://git.example.org/origin')
    await origin()
    expect(await fetch({ DIB_GITREPOBASE: `file://${stage.directory}/` })).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/app/file')).toBe('two')
  })

  test('two lines may share a path only for the same source', async () => {
    withLines('app git /opt/app @/origin', 'again git /opt/app @/origin v1')
    await origin()
    const result = await fetch()
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain("REPOLOCATIONS don't match")
  })

  test('offline, the cache is enough', async () => {
    withLines('app git /opt/app @/origin')
    await origin()
    await fetch()
    await run(['rm', '-r', at('origin'), at('mnt/opt/app')])
    expect(await fetch({ DIB_OFFLINE: '1' })).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/app/file')).toBe('two')
  })

  test.skipIf(process.getuid?.() !== 0)('a repository of another user is read: it was named', async () => {
    withLines('app git /opt/app @/origin')
    await origin()
    chmodSync(stage.directory, 0o755)
    await run(['chown', '-R', '65534:65534', at('origin')])
    expect(await fetch()).toMatchObject({ exitCode: 0 })
  })

  test('a tarball is unpacked without its top directory, and its files belong to the builder', async () => {
    withLines('app tar /opt/app file://@/app.tar.xz', 'all tar /opt/all file://@/app.tar.xz .')
    stage.write('src/app-1.0/file', 'packed\n')
    await run(['tar', '-C', at('src'), '--owner=1234', '-cJf', at('app.tar.xz'), 'app-1.0'])
    expect(await fetch()).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/opt/app/file')).toBe('packed\n')
    expect(stage.read('mnt/opt/all/app-1.0/file')).toBe('packed\n')
    expect(statSync(at('mnt/opt/app/file')).uid).toBe(process.getuid?.())
  })

  test('a tarball without the wanted directory is an error', async () => {
    withLines('app tar /opt/app file://@/app.tar missing-*')
    stage.write('src/app-1.0/file', 'packed\n')
    await run(['tar', '-C', at('src'), '-cf', at('app.tar'), 'app-1.0'])
    const result = await fetch()
    expect(result).toMatchObject({ exitCode: 1 })
    expect(result.stdout).toContain('The tarball of app has no directory missing-*')
  })

  test('a file is copied, and any failure of a download ends the build', async () => {
    withLines('app file /opt/deep/app.conf file://@/app.conf', 'gone file /opt/gone file:///no/such/file')
    stage.write('app.conf', 'a=1\n')
    const result = await fetch()
    expect(stage.read('mnt/opt/deep/app.conf')).toBe('a=1\n')
    expect(result.exitCode).toBe(1)
    expect(stage.read('mnt/etc/dib-source-repositories')).toBe('/opt/deep/app.conf\n')
  })

  test('what is installed from a package is not fetched; a package in a line has no source', async () => {
    withLines('my-app git /opt/app /no/such/place', 'pkg package /opt/pkg name')
    const result = await fetch({ DIB_INSTALLTYPE_my_app: 'package' })
    expect(result.stdout).toContain('my-app install type not set to source')
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('Unsupported repository type: package')
  })

  test('nothing is fetched when sources are not allowed', async () => {
    withLines('broken line')
    expect(await fetch({ NO_SOURCE_REPOSITORIES: '1' })).toMatchObject({ exitCode: 0, stdout: '' })
  })
})
