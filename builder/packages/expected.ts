import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../lib/hash.ts'
import type { Log } from '../../lib/log.ts'
import { indexedPackages, indexList } from './index-list.ts'
import { indexPlace } from './policy.ts'
import { layout, writeSmall } from './store.ts'

/** What the archive's own index says of a package's digest; `unknown` when no index that was served lists the file. */
export type Verdict = 'listed' | 'different' | 'unknown'

/** The digests that `Packages` indexes promise, learned from the indexes that pass through the proxy. */
export interface ExpectedDigests {
  /** Notes that the content `digest` was served for `url`. Does nothing unless it is a `Packages` index. */
  readonly saw: (url: string, digest: string) => void
  /** The word of the indexes on a package. */
  readonly verdict: (url: string, digest: string) => Promise<Verdict>
  /** Waits for work in the background. */
  readonly settle: () => Promise<void>
}

interface IndexRecord {
  readonly base: string
  /** Digest of the index served last, by slot. */
  readonly slots: Record<string, string>
}

type DigestByName = ReadonlyMap<string, string>

/** Opens what the store at `directory` knows of expected digests. `blobPath` gives the file of a stored content. */
export function expectedDigests(
  directory: string,
  blobPath: (digest: string) => string,
  log: Log,
): ExpectedDigests {
  const lists = new Map<string, Promise<DigestByName>>()
  const work = new Set<Promise<unknown>>()
  let records: Promise<Map<string, IndexRecord>> | undefined
  const loadRecords = () => (records ??= readRecords(join(directory, layout.indexes)))

  function listOf(digest: string): Promise<DigestByName> {
    const known = lists.get(digest)
    if (known !== undefined) return known
    const loading = loadList(directory, digest, blobPath(digest)).catch((error: unknown) => {
      log.debug(`The index ${digest} could not be read, its packages are taken as they are: ${String(error)}`)
      return new Map<string, string>()
    })
    lists.set(digest, loading)
    return loading
  }

  async function note(base: string, slot: string, digest: string): Promise<void> {
    const all = await loadRecords()
    const record = all.get(base) ?? { base, slots: {} }
    const previous = record.slots[slot]
    if (previous === digest) return
    record.slots[slot] = digest
    all.set(base, record)
    if (previous !== undefined) lists.delete(previous)
    writeSmall(directory, join(directory, layout.indexes, `${sha256(base)}.json`), JSON.stringify(record))
    await listOf(digest)
  }

  return {
    saw(url, digest) {
      const place = indexPlace(url)
      if (place === undefined) return
      const task = note(place.base, place.slot, digest).catch((error: unknown) => {
        log.debug(`The index of ${place.base} could not be noted: ${String(error)}`)
      })
      work.add(task)
      void task.finally(() => work.delete(task))
    },
    async verdict(url, digest) {
      await Promise.all(work)
      const all = await loadRecords()
      let verdict: Verdict = 'unknown'
      for (const { base, name } of splits(url)) {
        for (const index of Object.values(all.get(base)?.slots ?? {})) {
          const expected = (await listOf(index)).get(name)
          if (expected === digest) return 'listed'
          if (expected !== undefined) verdict = 'different'
        }
      }
      return verdict
    },
    async settle() {
      await Promise.all(work)
    },
  }
}

/** All ways to cut an address into an archive's base and a file name relative to it. */
function* splits(url: string): Generator<{ base: string; name: string }> {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  for (let at = start; at >= 0; at = url.indexOf('/', at + 1)) {
    const rest = url.slice(at + 1)
    yield { base: url.slice(0, at + 1), name: decoded(rest) }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function readRecords(directory: string): Promise<Map<string, IndexRecord>> {
  const records = new Map<string, IndexRecord>()
  for (const name of await readdir(directory)) {
    try {
      const record = JSON.parse(await readFile(join(directory, name), 'utf8')) as IndexRecord
      if (typeof record.base === 'string' && typeof record.slots === 'object')
        records.set(record.base, record)
    } catch {
      // A record that a crash cut short: the next index that is served writes it anew.
    }
  }
  return records
}

async function loadList(directory: string, digest: string, blob: string): Promise<DigestByName> {
  const digests = new Map<string, string>()
  for (const { file, sha256: listed } of indexedPackages(await indexList(directory, digest, blob))) {
    digests.set(file, listed)
  }
  return digests
}
