import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { layout, parseEntry } from './store.ts'

/** What a store holds. */
export interface StoreUsage {
  /** Bytes of content, partial downloads included. */
  readonly bytes: number
  /** Number of different contents. */
  readonly blobs: number
  /** Number of URLs, and of contents that are held for locks. */
  readonly entries: number
}

/** What {@link pruneStore} did. */
export interface PruneResult {
  readonly removedBytes: number
  readonly removedBlobs: number
  /** Bytes left. */
  readonly bytes: number
}

/**
 * Longer than any live download can be silent (its idle time-out is far below), so that a file older than this was left
 * by a process that was killed.
 */
const ABANDONED_MS = 15 * 60_000

/** How long it is remembered that a mirror did not have a file; every online build that asks renews it. */
const ABSENT_MS = 90 * 86_400_000

interface FileOnDisk {
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly usedMs: number
}

/** Measures a store. A directory that is not there holds nothing. */
export async function storeUsage(cacheDir: string): Promise<StoreUsage> {
  const [blobs, entries, lists, temp] = await Promise.all([
    filesBelow(join(cacheDir, layout.blobs)),
    filesBelow(join(cacheDir, layout.entries)),
    filesBelow(join(cacheDir, layout.lists)),
    filesBelow(join(cacheDir, layout.temp)),
  ])
  return {
    bytes: [...blobs, ...lists, ...temp].reduce((sum, file) => sum + file.bytes, 0),
    blobs: blobs.length,
    entries: entries.length,
  }
}

/**
 * Shrinks a store to `maxBytes` of content: what was not used for longest goes first. Also removes what killed
 * processes left. Safe beside running builds: a file they still read stays readable, a file they miss is fetched again.
 */
export async function pruneStore(
  cacheDir: string,
  options: { readonly maxBytes: number },
): Promise<PruneResult> {
  await sweepTemp(cacheDir)
  const blobs = await filesBelow(join(cacheDir, layout.blobs))
  const entries = await entriesOf(cacheDir)
  const lists = new Map((await filesBelow(join(cacheDir, layout.lists))).map((file) => [file.name, file]))
  const abandoned = Date.now() - ABANDONED_MS
  await removeOrphans(new Set(blobs.map((blob) => blob.name)), entries, lists, abandoned)

  const candidates = blobs
    .map((blob) => {
      const names = entries.get(blob.name) ?? []
      const list = lists.get(blob.name)
      const usedMs = Math.max(...names.map((file) => file.usedMs), names.length === 0 ? blob.usedMs : 0)
      const doomed = names.length === 0 && blob.usedMs < abandoned
      return {
        paths: [...names.map((file) => file.path), ...(list === undefined ? [] : [list.path]), blob.path],
        bytes: blob.bytes + (list?.bytes ?? 0),
        usedMs: doomed ? 0 : usedMs,
        doomed,
      }
    })
    .sort((a, b) => b.usedMs - a.usedMs)

  for (const mark of await filesBelow(join(cacheDir, layout.absent))) {
    if (mark.usedMs < Date.now() - ABSENT_MS) await rm(mark.path, { force: true })
  }
  let bytes = 0
  let removedBytes = 0
  let removedBlobs = 0
  let full = false
  for (const candidate of candidates) {
    full ||= candidate.doomed || bytes + candidate.bytes > options.maxBytes
    if (!full) {
      bytes += candidate.bytes
      continue
    }
    // Entries first: an entry without content is a plain miss, content without an entry would be dead weight.
    for (const path of candidate.paths) await rm(path, { force: true })
    removedBytes += candidate.bytes
    removedBlobs += 1
  }
  return { removedBytes, removedBlobs, bytes }
}

/** Removes the partial downloads that killed processes left. */
export async function sweepTemp(cacheDir: string): Promise<void> {
  const abandoned = Date.now() - ABANDONED_MS
  for (const file of await filesBelow(join(cacheDir, layout.temp))) {
    if (file.usedMs < abandoned) await rm(file.path, { force: true })
  }
}

/** Entries and lists whose content is gone; young ones may belong to a download that another process is committing. */
async function removeOrphans(
  blobs: ReadonlySet<string>,
  entries: ReadonlyMap<string, readonly FileOnDisk[]>,
  lists: ReadonlyMap<string, FileOnDisk>,
  olderThanMs: number,
): Promise<void> {
  const orphans = [...entries].filter(([digest]) => !blobs.has(digest)).flatMap(([, files]) => files)
  for (const list of lists.values()) if (!blobs.has(list.name)) orphans.push(list)
  for (const file of orphans) if (file.usedMs < olderThanMs) await rm(file.path, { force: true })
}

async function entriesOf(cacheDir: string): Promise<Map<string, FileOnDisk[]>> {
  const byDigest = new Map<string, FileOnDisk[]>()
  for (const file of await filesBelow(join(cacheDir, layout.entries))) {
    const digest = parseEntry(await readFile(file.path, 'utf8').catch(() => undefined))?.digest ?? ''
    byDigest.set(digest, [...(byDigest.get(digest) ?? []), file])
  }
  return byDigest
}

async function filesBelow(directory: string): Promise<FileOnDisk[]> {
  const found: FileOnDisk[] = []
  try {
    for (const item of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!item.isFile()) continue
      const path = join(item.parentPath, item.name)
      // Another process may prune or commit meanwhile.
      const seen = await stat(path).catch(() => undefined)
      if (seen !== undefined) found.push({ name: item.name, path, bytes: seen.size, usedMs: seen.mtimeMs })
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  return found
}
