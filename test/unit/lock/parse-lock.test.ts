import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { renderLock } from '../../../builder/lock/lock.ts'
import { parseLock, readLock } from '../../../builder/lock/parse-lock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { example } from './example.ts'

/** A lock as a hostile hand may change it. */
type Loose = Record<string, unknown> & {
  readonly archives: object
  readonly packages: object[]
  readonly indexes: object[]
  readonly absent: object[]
  readonly sources: object[]
}

const first = (items: readonly object[], change: object) => Object.assign(items[0] as object, change)

const changed = (change: (lock: Loose) => unknown) => {
  const lock = JSON.parse(renderLock(example)) as Loose
  change(lock)
  return JSON.stringify(lock)
}

test.each<[string, (lock: Loose) => unknown, string]>([
  ['no version', (lock) => delete lock.lockVersion, 'it has no lockVersion'],
  ['a field of nobody', (lock) => Object.assign(lock, { hook: 'rm' }), 'a field that is not known: hook'],
  ['no list', (lock) => Object.assign(lock, { packages: {} }), 'packages is not a list'],
  ['a short digest', (lock) => first(lock.packages, { sha256: 'ab' }), 'packages[0].sha256 is not a sha256'],
  ['a digest in capitals', (lock) => first(lock.indexes, { sha256: 'A'.repeat(64) }), 'indexes[0].sha256'],
  ['a size below nothing', (lock) => first(lock.packages, { size: -1 }), 'packages[0].size is not a whole'],
  ['a path upwards', (lock) => first(lock.indexes, { path: 'dists/../../etc' }), 'stays below its archive'],
  ['a path from the root', (lock) => first(lock.indexes, { path: '/etc/passwd' }), 'is not a path'],
  ['an archive that is not there', (lock) => first(lock.packages, { archive: 'x' }), 'there is no archive x'],
  ['an inherited archive', (lock) => first(lock.packages, { archive: 'toString' }), 'no archive toString'],
  ['the same file twice', (lock) => lock.packages.push(lock.packages[0] as object), 'is there twice'],
  [
    'credentials',
    (lock) => Object.assign(lock.archives, { debian: 'http://u:p@mirror.example/debian' }),
    'without credentials',
  ],
  ['another scheme', (lock) => Object.assign(lock.archives, { debian: 'file:///etc' }), 'archives.debian'],
  ['a name that hides', (lock) => first(lock.packages, { name: 'a\u001b[2J' }), 'packages[0].name'],
  [
    'a release that is a command',
    (lock) => Object.assign(lock, { release: '$(reboot)' }),
    'release is not a release',
  ],
  [
    'a revision that is an option',
    (lock) => first(lock.sources, { revision: '--upload-pack=x' }),
    'not a commit',
  ],
  ['a location that is an option', (lock) => first(lock.sources, { location: '--x' }), 'not a location'],
  [
    'an impossible date',
    (lock) => Object.assign(lock, { sourceDate: '2026-99-01T00:00:00Z' }),
    'sourceDate is not a date',
  ],
  ['a status that is a success', (lock) => first(lock.absent, { status: 200 }), 'absent[0].status'],
])('%s makes it no lock', (_, change, reason) => {
  try {
    parseLock(changed(change), 'x.lock')
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(CofferError)
    expect(error).toMatchObject({ code: 'LOCK_INVALID', message: expect.stringContaining(reason) })
  }
})

test('a lock of a later version is told apart from a broken one', () => {
  const later = changed((lock) => Object.assign(lock, { lockVersion: 2, more: true }))
  expect(() => parseLock(later, 'x.lock')).toThrow(expect.objectContaining({ code: 'LOCK_TOO_NEW' }))
})

test('whatever the text is, the answer is a lock or a sentence', () => {
  const mangled = fc
    .tuple(fc.nat(renderLock(example).length), fc.nat(40), fc.string({ maxLength: 20 }))
    .map(([at, length, text]) => {
      const whole = renderLock(example)
      return whole.slice(0, at) + text + whole.slice(at + length)
    })
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mangled), (text) => {
      try {
        parseLock(text, 'x.lock')
      } catch (error) {
        expect(error).toBeInstanceOf(CofferError)
      }
    }),
  )
})

test('a key like __proto__ is a name like any other', () => {
  const text = renderLock(example).replace('"/var/lib/mysql"', '"__proto__"')
  expect(renderLock(parseLock(text, 'x.lock'))).toBe(text)
  expect(({} as { size?: number }).size).toBeUndefined()
})

test('a file that is no file, not there, or not to be read says so', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-lock-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'x.lock'), renderLock(example))
  expect((await readLock(join(directory, 'x.lock'))).release).toBe('bookworm')
  await expect(readLock(directory)).rejects.toThrow('it is not a file')
  await expect(readLock(join(directory, 'none'))).rejects.toMatchObject({
    code: 'LOCK_UNREADABLE',
    message: expect.stringContaining('there is no such file'),
  })
  await expect(readLock(join(directory, 'x.lock/y'))).rejects.toMatchObject({ code: 'LOCK_UNREADABLE' })
})
