import { createHash, randomUUID } from 'node:crypto'
import {
  type BigIntStats,
  fstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { isErrno } from '../../lib/errors.ts'
import { sha256 } from '../../lib/hash.ts'
import { giveBuffer, takeBuffer } from './buffer-pool.ts'

/** What the store knows of one URL. */
export interface Entry {
  readonly url: string
  /** SHA-256 of the content, hexadecimal: the blob's name. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly etag?: string
  readonly lastModified?: string
  readonly contentType?: string
  /** When the content was downloaded, ISO 8601. */
  readonly fetched: string
}

/** Readable content. Whoever opened it closes it. */
export interface Source {
  /** Fills `buffer` from `position` on; returns the number of bytes, 0 at the end. */
  readonly read: (buffer: Uint8Array, position: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** Stored content whose digest has been checked. */
export interface Blob extends Source {
  /** Bytes. */
  readonly size: number
}

/** A file that is being downloaded; it belongs to the store only once committed. */
export interface TempFile {
  readonly path: string
  readonly handle: FileHandle
}

/** A directory of downloaded files, shared by any number of processes without a lock (ADR 0003). */
export interface Store {
  readonly find: (key: string) => Entry | undefined
  /** Opens an entry's content; undefined, and the damaged file is gone, when it is missing or not what its name says. */
  readonly openBlob: (entry: Pick<Entry, 'digest'>) => Promise<Blob | undefined>
  readonly blobPath: (digest: string) => string
  readonly createTemp: () => Promise<TempFile>
  /** Makes a finished temporary file the content of `entry`. */
  readonly commit: (key: string, temp: TempFile, entry: Entry) => void
  /**
   * Notes that the mirror answered 404 or 410. Only an offline build reads it: apt probes for files that a repository
   * need not have (`InRelease`, then `Release`), and goes on only if it hears the same answer again.
   */
  readonly markAbsent: (key: string, url: string, status: number) => void
  /** The status that {@link markAbsent} noted; undefined when nothing was. */
  readonly absent: (key: string) => number | undefined
  /** Notes that an entry was used now (once a process): `pruneStore` removes what was not used for longest. */
  readonly touch: (key: string) => void
  /**
   * Notes that a stored content is used now for its own sake: what a lock names must outlast the day when its address
   * has another content. An address in an entry keeps only what it gave last.
   */
  readonly hold: (content: Pick<Entry, 'url' | 'digest' | 'size'>) => void
}

/** Where things lie below the store's directory. */
export const layout = {
  blobs: 'blobs/sha256',
  entries: 'entries',
  /** URLs that the mirror does not have. */
  absent: 'absent',
  /** What `Packages` indexes list, made from them. */
  lists: 'package-lists',
  /** Which `Packages` index of an archive was served last. */
  indexes: 'indexes',
  temp: 'tmp',
} as const

/** Opens a store, and makes its directories if need be. Creates them for this user only: entries may name private URLs. */
export async function openStore(directory: string): Promise<Store> {
  for (const name of Object.values(layout)) {
    await mkdir(join(directory, name), { recursive: true, mode: 0o700 })
  }
  const verified = new Map<string, string>()
  const touched = new Set<string>()
  const entryPath = (key: string) => join(directory, layout.entries, key.slice(0, 2), `${key}.json`)
  const absentPath = (key: string) => join(directory, layout.absent, `${key}.json`)
  const blobPath = (digest: string) => join(directory, layout.blobs, digest.slice(0, 2), digest)

  return {
    blobPath,
    find(key) {
      return parseEntry(readIfThere(entryPath(key)))
    },
    async openBlob(entry) {
      const path = blobPath(entry.digest)
      const handle = await openIfThere(path)
      if (handle === undefined) return undefined
      try {
        const stat = fstatSync(handle.fd, { bigint: true })
        const identity = identityOf(stat)
        if (verified.get(entry.digest) !== identity) {
          if ((await digestOf(handle)) !== entry.digest) {
            await handle.close()
            await rm(path, { force: true })
            return undefined
          }
          verified.set(entry.digest, identity)
        }
        return {
          size: Number(stat.size),
          read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
          close: () => handle.close(),
        }
      } catch (error) {
        await handle.close()
        throw error
      }
    },
    async createTemp() {
      const path = join(directory, layout.temp, randomUUID())
      return { path, handle: await open(path, 'wx+', 0o600) }
    },
    commit(key, temp, entry) {
      moveInto(temp.path, blobPath(entry.digest))
      writeSmall(directory, entryPath(key), JSON.stringify(entry))
      touched.add(key)
    },
    markAbsent(key, url, status) {
      writeSmall(directory, absentPath(key), JSON.stringify({ url, status }))
    },
    absent(key) {
      const text = readIfThere(absentPath(key))
      const status = /"status":(404|410)\}/.exec(text ?? '')?.[1]
      return status === undefined ? undefined : Number(status)
    },
    touch(key) {
      if (touched.has(key)) return
      touched.add(key)
      const now = new Date()
      try {
        utimesSync(entryPath(key), now, now)
      } catch (error) {
        ignoreMissing(error)
      }
    },
    hold({ url, digest, size }) {
      const key = sha256(`held ${digest}`)
      if (touched.has(key)) return
      touched.add(key)
      const fetched = systemClock.now().toISOString()
      writeSmall(directory, entryPath(key), JSON.stringify({ url, digest, size, fetched }))
    },
  }
}

/** A stored text; undefined when the store lacks it. For small files: it is read whole. */
export async function readBlob(store: Store, digest: string): Promise<string | undefined> {
  const blob = await store.openBlob({ digest })
  if (blob === undefined) return undefined
  try {
    const buffer = Buffer.alloc(blob.size)
    let length = 0
    for (let count = -1; count !== 0; length += count)
      count = await blob.read(buffer.subarray(length), length)
    return buffer.toString('utf8', 0, length)
  } finally {
    await blob.close()
  }
}

/** Reads the text of an entry; undefined when a crash or a hand left something else there. */
export function parseEntry(text: string | undefined): Entry | undefined {
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const entry = value as Partial<Entry>
  const sound =
    typeof entry.url === 'string' &&
    typeof entry.digest === 'string' &&
    /^[0-9a-f]{64}$/.test(entry.digest) &&
    typeof entry.size === 'number'
  return sound ? (value as Entry) : undefined
}

/**
 * Writes a small file below a store's directory. A reader sees the old file or the new one, never a part.
 *
 * Synchronous, like all small things here: a system call takes microseconds, a trip through the thread pool more.
 */
export function writeSmall(directory: string, path: string, text: string): void {
  const draft = join(directory, layout.temp, randomUUID())
  writeFileSync(
    draft,
    `${text}
`,
    { mode: 0o600 },
  )
  moveInto(draft, path)
}

/** Renames `from` to `to`, whose directory may not exist yet. */
function moveInto(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
    renameSync(from, to)
  }
}

/** Any write to a file changes its ctime, which no program can set back: the same identity means the same content. */
function identityOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const buffer = takeBuffer()
  try {
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
  } finally {
    giveBuffer(buffer)
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return await open(path, 'r').catch(ignoreMissing)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return ignoreMissing(error)
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error
}
