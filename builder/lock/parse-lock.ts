import { readFile, stat } from 'node:fs/promises'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { Lock } from './lock.ts'
import { exactly, fields, listOf, mapOf, type Shape, text, WrongShape, wholeNumber } from './shape.ts'

/** No lock comes near: a thousand packages make half a megabyte. */
const MAX_BYTES = 64 * 1024 * 1024

const digest = text('a sha256 of 64 hexadecimal digits', /^[0-9a-f]{64}$/)
const word = text('a word', /^[^\s]+$/)
const line = text('one line of text')
const date: Shape<string> = (value, where) => {
  const found = text('a date like 2026-01-31T00:00:00Z', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)(value, where)
  if (Number.isNaN(Date.parse(found))) throw new WrongShape(`${where} is not a date`)
  return found
}
const path: Shape<string> = (value, where) => {
  const found = text('a path', /^[^/\\]/)(value, where)
  if (found.split('/').every((part) => !['', '.', '..'].includes(part))) return found
  throw new WrongShape(`${where} is not a path that stays below its archive`)
}
const archiveAddress: Shape<string> = (value, where) => {
  const found = text('an address', /^https?:\/\/[^\s]+[^/\s]$/)(value, where)
  const url = URL.canParse(found) ? new URL(found) : undefined
  if (url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` === '') return found
  throw new WrongShape(`${where} is not an http(s) address without credentials`)
}

const file = { archive: word, path, sha256: digest, size: wholeNumber() }
const secret = { private: exactly(true) }
const shape = fields(
  {
    lockVersion: exactly(1),
    builder: word,
    architecture: text('an architecture', /^[a-z0-9-]+$/),
    archives: mapOf(text('a short name', /^[a-z0-9][a-z0-9.-]*$/), archiveAddress),
    repositories: listOf(
      fields(file, { ...secret, origin: line, label: line, suite: line, codename: line, date }),
    ),
    indexes: listOf(fields(file, secret)),
    absent: listOf(fields({ archive: word, path, status: wholeNumber(400) }, {})),
    packages: listOf(
      fields(
        {
          ...file,
          name: text('a package name', /^[A-Za-z0-9][A-Za-z0-9+._-]*$/),
          version: text('a version', /^[A-Za-z0-9.+:~_-]+$/),
          architecture: text('an architecture', /^[a-z0-9-]+$/),
        },
        { ...secret, suite: line, component: line },
      ),
    ),
    sources: listOf(
      fields(
        {
          name: word,
          location: text('a location', /^[^-\s][^\s]*$/),
          ref: text('a ref', /^[^-\s][^\s]*$/),
          revision: text('a commit', /^[0-9a-f]{40}([0-9a-f]{24})?$/),
        },
        {},
      ),
    ),
    downloads: listOf(
      fields(
        { url: text('an address', /^[a-z][a-z0-9+.-]*:[^\s]+$/), sha256: digest, size: wholeNumber() },
        {},
      ),
    ),
    generated: mapOf(line, fields({ sha256: digest, size: wholeNumber(), madeFrom: digest }, {})),
  },
  {
    distribution: text('a distribution', /^[A-Za-z0-9._-]+$/),
    release: text('a release', /^[A-Za-z0-9._-]+$/),
    sourceDate: date,
  },
)

/**
 * Reads the text of a lock file, and nothing that is not one: a lock decides what a build fetches and runs.
 *
 * @param where named in errors
 * @throws CofferError `LOCK_INVALID`
 */
export function parseLock(content: string, where: string): Lock {
  const invalid = (why: string) =>
    new CofferError('LOCK_INVALID', `${where} is not a lock file: ${why}`, {
      hint: 'Locks are written by `build-image … --lock FILE`. Make it anew, or take the one of an earlier commit.',
    })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw invalid('it is not JSON')
  }
  const version = (value as { lockVersion?: unknown } | null)?.lockVersion
  if (typeof version === 'number' && version > 1) {
    throw new CofferError(
      'LOCK_TOO_NEW',
      `${where} has lockVersion ${version}, which this version does not know`,
      {
        hint: 'Use the version of Coffer that wrote it, or make the lock anew.',
      },
    )
  }
  try {
    return checkReferences(shape(value, ''))
  } catch (error) {
    if (error instanceof WrongShape) throw invalid(error.message)
    if (error instanceof RangeError) throw invalid('it is nested too deeply')
    throw error
  }
}

function checkReferences(lock: Lock): Lock {
  const seen = new Set<string>()
  const items = [...lock.repositories, ...lock.indexes, ...lock.packages, ...lock.absent]
  for (const { archive, path: name } of items) {
    if (!Object.hasOwn(lock.archives, archive)) throw new WrongShape(`there is no archive ${archive}`)
    const key = `${archive} ${name}`
    if (seen.has(key)) throw new WrongShape(`${name} is there twice`)
    seen.add(key)
  }
  return lock
}

/** Reads a lock file. @throws CofferError `LOCK_UNREADABLE`, `LOCK_INVALID`, `LOCK_TOO_NEW` */
export async function readLock(file: string): Promise<Lock> {
  const unreadable = (why: string) =>
    new CofferError('LOCK_UNREADABLE', `The lock ${file} cannot be read: ${why}`, {
      hint: 'Give the file that `build-image … --lock FILE` has written.',
    })
  try {
    const found = await stat(file)
    if (!found.isFile()) throw unreadable('it is not a file')
    if (found.size > MAX_BYTES) throw unreadable('it is larger than any lock')
    return parseLock(await readFile(file, 'utf8'), file)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw unreadable('there is no such file')
    if (isErrno(error)) throw unreadable(error.message)
    throw error
  }
}
