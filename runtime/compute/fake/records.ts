import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'

/** A kind of thing kept as one JSON file for each, readable by this account only, whole after a kill at any moment. */
export interface Records<T> {
  readonly get: (id: string) => Promise<T | undefined>
  readonly put: (id: string, record: T) => Promise<void>
  readonly remove: (id: string) => Promise<void>
  readonly list: () => Promise<readonly T[]>
}

const SAFE_ID = /^[\w-][\w.-]{0,99}$/

/** Opens (and makes) a directory of records. */
export async function openRecords<T>(directory: string): Promise<Records<T>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = (id: string) => {
    if (!SAFE_ID.test(id)) throw new CofferError('ID_INVALID', `'${id}' cannot be an id`)
    return join(directory, `${id}.json`)
  }
  const read = async (path: string): Promise<T | undefined> => {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as T
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }
  return {
    get: (id) => read(file(id)),
    put: (id, record) => writeAtomically(file(id), JSON.stringify(record), 0o600),
    remove: (id) => rm(file(id), { force: true }),
    async list() {
      const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort()
      const found = await Promise.all(names.map((name) => read(join(directory, name))))
      return found.filter((record) => record !== undefined)
    },
  }
}
