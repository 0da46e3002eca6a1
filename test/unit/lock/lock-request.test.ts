import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { renderLock } from '../../../builder/lock/lock.ts'
import { lockFor } from '../../../builder/lock/lock-request.ts'
import { parseCommandLine } from '../../../builder/request/options.ts'
import { makeRequest } from '../../../builder/request/request.ts'
import { example } from './example.ts'

let work: string
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-lock-'))
  await writeFile(join(work, 'x.lock'), renderLock(example))
  return () => rm(work, { recursive: true })
})

/** What a command line with locks comes to; `@` stands for the directory with x.lock. */
function locked(words: string, env: Record<string, string> = {}) {
  const args = words.replaceAll('@', work).split(' ')
  const line = parseCommandLine('disk-image-create', [...args, 'vm'])
  return lockFor(makeRequest('disk-image-create', args, line, { HOME: work, ...env }, 'amd64'))
}

test('a build without locks has none, and one from a lock has it', async () => {
  expect(await locked('-x')).toBeUndefined()
  expect(await locked('--lock @/new.lock')).toBeUndefined()
  expect(await locked('--lock @/x.lock')).toBeUndefined()
  expect(await locked('--locked @/x.lock')).toMatchObject({ release: 'bookworm' })
  expect(await locked('--locked @/x.lock', { DIB_RELEASE: 'bookworm' })).toBeDefined()
})

test.each<[string, Record<string, string>, string, string]>([
  ['--lock @/a --locked @/x.lock', {}, 'LOCK_OPTIONS_EXCLUSIVE', 'not both'],
  ['--lock @/no/such/x.lock', {}, 'LOCK_NOT_WRITABLE', 'its directory does not exist'],
  ['--lock @/x.lock/y', {}, 'LOCK_NOT_WRITABLE', 'is not a directory'],
  ['--lock @', {}, 'LOCK_NOT_WRITABLE', 'it is not a file'],
  ['--locked @/none', {}, 'LOCK_UNREADABLE', 'there is no such file'],
  ['--locked @/x.lock -a arm64', {}, 'LOCK_OF_ANOTHER_BUILD', 'for the architecture amd64'],
  ['--locked @/x.lock', { DIB_RELEASE: 'sid' }, 'LOCK_OF_ANOTHER_BUILD', 'this build is for sid'],
  ['--locked @/x.lock', { DISTRO_NAME: 'ubuntu' }, 'LOCK_OF_ANOTHER_BUILD', 'for the distribution debian'],
])('%s %o is refused before any work', async (words, env, code, reason) => {
  await expect(locked(words, env)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason),
    hint: expect.stringMatching(/./),
  })
})
