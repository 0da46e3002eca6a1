import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { digestFile } from '../../lib/hash.ts'
import { exists } from '../../lib/path-kind.ts'
import { removeTree } from '../../lib/tree.ts'
import { copyRecord, KEPT_RECORD, replaceRecord } from './kept-record.ts'
import {
  type ImageContent,
  type ImageFormat,
  type ImageManifest,
  imageId,
  parseManifest,
} from './manifest.ts'
import { checkQcow2Header, looksLikeQcow2, QCOW2_HEAD_BYTES } from './qcow2-header.ts'

/**
 * Images by content: `<directory>/<id>/image.<format>` with `manifest.json` beside it, and the record of its build in
 * `record/`. Nothing in it ever changes.
 */
export interface ImageStore {
  readonly directory: string
  /**
   * Copies a file into the store. The same bytes twice are one image; the newer name, content description and record win.
   * @throws CofferError IMAGE_NOT_FOUND, IMAGE_REFUSED, BUILD_RECORD_BROKEN, RECORD_FILE_UNREADABLE
   */
  readonly put: (file: string, options: PutOptions) => Promise<ImageManifest>
  /** @param idOrName an id, the beginning of one (4 digits or more), the digest, or a name (the newest of that name) */
  readonly find: (idOrName: string) => Promise<ImageManifest | undefined>
  /** Newest first. Entries that cannot be understood are left out. */
  readonly list: () => Promise<readonly ImageManifest[]>
  /**
   * The file to run a guest from, its digest checked: at first use, and again whenever the file's size, time or inode changed.
   * @throws CofferError IMAGE_NOT_FOUND, IMAGE_CORRUPT
   */
  readonly locate: (id: string) => Promise<{ readonly path: string; readonly format: ImageFormat }>
  /**
   * Where an image's files are, for looking into them: unlike `locate` this reads no digest.
   * @returns undefined when there is no such image; `record` only when the record of its build was kept
   */
  readonly files: (id: string) => Promise<StoredFiles | undefined>
  /** Removes an image. What does not exist is removed already. */
  readonly delete: (id: string) => Promise<void>
  /** Removes all but these, and what broken-off copies left. @returns what went */
  readonly prune: (keep: ReadonlySet<string>) => Promise<readonly ImageManifest[]>
}

export interface PutOptions extends ImageContent {
  readonly name?: string
  /** Default: by the file's suffix. */
  readonly format?: ImageFormat
  /** What the build left beside the file (`NAME.d`): its record's files are kept, if it is this image's. It need not exist. */
  readonly recordDirectory?: string
}

/** Paths of a stored image. */
export interface StoredFiles {
  readonly image: string
  readonly format: ImageFormat
  /** Directory with the files of the build's record. */
  readonly record?: string
}

/** A broken-off copy older than this is nobody's any more. */
const STALE_COPY_MS = 3_600_000
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Opens the store in a directory, which is made at the first `put`. */
export function openImageStore(directory: string, options: { readonly clock?: Clock } = {}): ImageStore {
  const clock = options.clock ?? systemClock
  /** Identity of each file whose digest was right when we last looked. */
  const verified = new Map<string, string>()
  const home = (id: string) => join(directory, id)
  const imageFile = (manifest: ImageManifest) => join(home(manifest.id), `image.${manifest.format}`)

  async function read(id: string): Promise<ImageManifest | undefined> {
    if (!ID.test(id)) return undefined
    try {
      return parseManifest(await readFile(join(home(id), 'manifest.json'), 'utf8'), id)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async function entries(): Promise<string[]> {
    return readdir(directory).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return []
      throw error
    })
  }

  async function list(): Promise<ImageManifest[]> {
    const found: ImageManifest[] = []
    for (const id of (await entries()).filter((name) => ID.test(name))) {
      const manifest = await read(id).catch(() => undefined)
      if (manifest !== undefined) found.push(manifest)
    }
    return found.sort((a, b) => b.created.localeCompare(a.created) || a.id.localeCompare(b.id))
  }

  return {
    directory,
    list,

    async put(file, { name, format = formatOfSuffix(file), recordDirectory, ...content }) {
      await mkdir(directory, { recursive: true, mode: 0o755 })
      const work = join(directory, `.new-${randomUUID()}`)
      await mkdir(work, { mode: 0o755 })
      try {
        const copy = join(work, `image.${format}`)
        await copyFile(file, copy, constants.COPYFILE_FICLONE).catch((error: unknown) => {
          if (isErrno(error, 'ENOENT')) throw notFound(file)
          throw error
        })
        // From here on only the copy counts: whoever owns the source may go on changing it.
        const virtualSize = await inspect(copy, format)
        const sha256 = await digestFile(copy)
        const id = imageId(sha256)
        const manifest: ImageManifest = {
          ...content,
          id,
          name: name ?? basename(file),
          format,
          sha256,
          size: (await stat(copy)).size,
          virtualSize,
          created: clock.now().toISOString(),
        }
        // Guests run under accounts of their own and read the image as their backing file.
        await chmod(copy, 0o644)
        await writeDurably(join(work, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
        if (recordDirectory !== undefined) await copyRecord(recordDirectory, join(work, KEPT_RECORD), sha256)
        await sync(copy)
        await keep(work, manifest)
        return manifest
      } finally {
        await removeTree(work)
      }
    },

    async find(idOrName) {
      const exact = await read(idOrName)
      if (exact !== undefined) return exact
      const all = await list()
      const prefix = /^[0-9a-f-]{4,}$/.test(idOrName)
      const byId = all.filter(({ id, sha256 }) => sha256 === idOrName || (prefix && id.startsWith(idOrName)))
      return byId.length === 1 ? byId[0] : all.find(({ name }) => name === idOrName)
    },

    async locate(id) {
      const manifest = await read(id)
      if (manifest === undefined) throw notFound(id)
      const path = imageFile(manifest)
      const { ino, size, mtimeMs, ctimeMs } = await stat(path)
      const identity = [ino, size, mtimeMs, ctimeMs].join(' ')
      if (verified.get(id) !== identity) {
        if (size !== manifest.size || (await digestFile(path)) !== manifest.sha256) throw corrupt(manifest)
        verified.set(id, identity)
      }
      return { path, format: manifest.format }
    },

    async files(id) {
      const manifest = await read(id)
      if (manifest === undefined) return undefined
      const record = join(home(id), KEPT_RECORD)
      const kept = await exists(record)
      return { image: imageFile(manifest), format: manifest.format, ...(kept ? { record } : {}) }
    },

    async delete(id) {
      if (ID.test(id)) await removeTree(home(id))
    },

    async prune(keepIds) {
      const gone = (await list()).filter(({ id }) => !keepIds.has(id))
      for (const { id } of gone) await removeTree(home(id))
      for (const name of (await entries()).filter((entry) => entry.startsWith('.new-'))) {
        const age = clock.now().getTime() - (await stat(join(directory, name))).mtimeMs
        if (age > STALE_COPY_MS) await removeTree(join(directory, name))
      }
      return gone
    },
  }

  /** Moves a finished copy to its place in one step. When the image is there already, only its description is renewed. */
  async function keep(work: string, manifest: ImageManifest): Promise<void> {
    try {
      await rename(work, home(manifest.id))
    } catch (error) {
      if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error
      const old = await read(manifest.id).catch(() => undefined)
      if (old === undefined || (await stat(imageFile(manifest))).size !== manifest.size) {
        await removeTree(home(manifest.id))
        await rename(work, home(manifest.id))
        return
      }
      await rename(join(work, 'manifest.json'), join(home(manifest.id), 'manifest.json'))
      const record = join(work, KEPT_RECORD)
      if (await exists(record)) await replaceRecord(record, join(home(manifest.id), KEPT_RECORD))
    }
  }
}

function formatOfSuffix(file: string): ImageFormat {
  if (/\.qcow2$/.test(file)) return 'qcow2'
  if (/\.(raw|img)$/.test(file)) return 'raw'
  throw new CofferError('IMAGE_REFUSED', `The format of ${file} is not clear from its name`, {
    hint: 'Images are qcow2 or raw; say which with --format.',
  })
}

/** @returns bytes of the disk that a guest sees */
async function inspect(file: string, format: ImageFormat): Promise<number> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(QCOW2_HEAD_BYTES), 0, QCOW2_HEAD_BYTES, 0)
    const head = buffer.subarray(0, bytesRead)
    if (format === 'qcow2') return checkQcow2Header(head)
    // A guest could write a qcow2 header over its raw disk; whoever opens it without naming the format would believe it.
    if (looksLikeQcow2(head)) {
      throw new CofferError('IMAGE_REFUSED', 'The image is called raw but begins as a qcow2 file does', {
        hint: 'Register it with --format qcow2.',
      })
    }
    return (await handle.stat()).size
  } finally {
    await handle.close()
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o644 })
  await sync(file)
}

async function sync(file: string): Promise<void> {
  const handle = await open(file)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function notFound(what: string): CofferError {
  return new CofferError('IMAGE_NOT_FOUND', `Image ${what} cannot be found.`, {
    hint: 'coffer image list shows what is registered; build-image DATASTORE --register makes and registers one.',
  })
}

function corrupt({ id, name }: ImageManifest): CofferError {
  return new CofferError(
    'IMAGE_CORRUPT',
    `The image ${id} (${name}) is not what was registered: its digest differs`,
    {
      hint: 'The file was changed or damaged. Register it again from its source, then delete this one.',
    },
  )
}
