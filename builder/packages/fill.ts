import { createHash, type Hash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { retry } from '../../lib/retry.ts'
import { type GrowingFile, growingFile } from './growing-file.ts'
import { bodyChanged, mirrorError, notWritable, shortBody } from './mirror-errors.ts'
import type { Source, Store, TempFile } from './store.ts'
import { reasonOf, type Upstream } from './upstream.ts'

/** What a mirror said before any content. */
export type FillHead =
  | { readonly kind: 'content'; readonly meta: ContentMeta }
  | { readonly kind: 'not-modified' }
  /** Any other status: passed on, never stored. */
  | {
      readonly kind: 'other'
      readonly status: number
      readonly reason: string
      readonly contentType?: string
      readonly body: Buffer
    }

/** The mirror's headers that are kept with a file. */
export interface ContentMeta {
  /** Bytes; unknown when the mirror does not say. */
  readonly length?: number
  readonly etag?: string
  readonly lastModified?: string
  readonly contentType?: string
}

/** A finished download. */
export interface Filled {
  readonly temp: TempFile
  readonly meta: ContentMeta
  readonly size: number
  readonly sha256: string
  readonly sha512: string | undefined
  /** False when the mirror's framing cannot show that the content is whole (no length, no chunks). */
  readonly provenWhole: boolean
}

/** What a download brought. */
export interface Outcome {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly kept: Kept
}

/** Whether the store took a download: `unproven` content may be cut short, `wrong` content is not what was promised. */
export type Kept = 'kept' | 'unproven' | 'wrong' | 'failed'

/** One download from a mirror that any number of clients follow while it grows. */
export interface Fill {
  readonly head: Promise<FillHead>
  /** False once all content is here: who comes now waits for `done` and asks the store. */
  readonly receiving: () => boolean
  /** Settles when the download has ended and the store has it or not; undefined when no whole content came. Never rejects. */
  readonly done: Promise<Outcome | undefined>
  /** The content for one client, to be read after a head of kind `content`; keeps the file open until it is closed. */
  readonly follow: () => Source
}

/** Options of {@link startFill}. */
export interface FillOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly store: Store
  readonly upstream: Upstream
  readonly signal: AbortSignal
  readonly attempts: number
  readonly delayMs: number
  /** Also compute SHA-512, for a `by-hash/SHA512` address. */
  readonly wantSha512: boolean
  readonly onBytes: (count: number) => void
  readonly onRetry: (error: unknown) => void
  /** Moves the finished download into the store, or leaves it. Runs before `done`. */
  readonly keep: (filled: Filled) => Promise<Kept>
}

/** Bytes of an error page that are passed on. */
const MAX_OTHER_BODY = 64 * 1024

/**
 * Downloads a file into the store's temporary directory. A broken connection, a short body and a 5xx answer are tried
 * again with back-off; bytes that are here already are not handed out twice: the download resumes, or the mirror's
 * second copy is compared with the first up to where it broke off.
 *
 * The download runs at the mirror's pace whatever the clients do: they follow the file as it grows, so a slow client
 * holds up nobody and costs no memory, and a client that leaves changes nothing.
 */
export function startFill(options: FillOptions): Fill {
  const { promise: head, resolve: resolveHead, reject: rejectHead } = Promise.withResolvers<FillHead>()
  let content: Content | undefined
  let complete = false
  let users = 1
  const opened = Promise.withResolvers<GrowingFile>()
  opened.promise.catch(() => undefined)
  const hash = createHash('sha256')
  const hash512 = options.wantSha512 ? createHash('sha512') : undefined
  const received = () => content?.file.length() ?? 0

  const leave = async () => {
    users -= 1
    if (users === 0) await content?.temp.handle.close()
  }

  async function attempt(): Promise<void> {
    const answer = await options.upstream.request({
      url: options.url,
      method: 'GET',
      headers:
        content === undefined ? options.headers : resumeHeaders(options.headers, content.meta, received()),
      signal: options.signal,
    })
    try {
      const status = answer.statusCode ?? 0
      if (status >= 500 || status === 429) throw mirrorError(options.url, status, answer.statusMessage)
      if (content === undefined) {
        if (status !== 200) {
          return resolveHead(await otherHead(answer, status, isConditional(options.headers)))
        }
        content = await openContent(options.store, answer)
        opened.resolve(content.file)
        resolveHead({ kind: 'content', meta: content.meta })
        await append(answer, content.file, undefined)
      } else {
        await append(answer, content.file, continuation(answer, status, content.meta))
      }
      const { length } = content.meta
      if (length !== undefined && received() !== length) {
        throw shortBody(options.url, `${received()} of ${length} bytes came`)
      }
    } finally {
      answer.destroy()
    }
  }

  /** Where the body of a later try starts: at our end, or at the file's start with the old part to be compared. */
  function continuation(answer: IncomingMessage, status: number, first: ContentMeta): Replay | undefined {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '')
    if (status === 206 && Number(range?.[1]) === received() && Number(range?.[2]) === first.length)
      return undefined
    if (status === 200 && metaOf(answer).length === first.length) {
      return { hash: createHash('sha256'), left: received() }
    }
    throw bodyChanged(options.url)
  }

  async function append(answer: IncomingMessage, to: GrowingFile, replay: Replay | undefined): Promise<void> {
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        options.onBytes(piece.length)
        const chunk = replay === undefined ? piece : afterReplay(replay, piece, hash, options.url)
        if (chunk.length === 0) continue
        hash.update(chunk)
        hash512?.update(chunk)
        await to.append(chunk).catch(failedWrite)
      }
      if (replay !== undefined && replay.left > 0) throw shortBody(options.url, 'the second copy is shorter')
    } catch (error) {
      if (error instanceof CofferError) throw error
      if (options.signal.aborted) throw error
      throw shortBody(options.url, reasonOf(error))
    }
  }

  async function fill(): Promise<Outcome | undefined> {
    let kept: Kept = 'failed'
    try {
      await retry(attempt, {
        attempts: options.attempts,
        delayMs: options.delayMs,
        clock: { ...systemClock, sleep: (ms) => setTimeout(ms, undefined, { signal: options.signal }) },
        when: (error) => error instanceof CofferError && error.retryable && !options.signal.aborted,
        onRetry: options.onRetry,
      })
      complete = true
      if (content !== undefined) {
        await content.file.finish().catch(failedWrite)
        const whole = { size: received(), sha256: hash.digest('hex') }
        kept = await options.keep({ ...content, ...whole, sha512: hash512?.digest('hex') })
        return { ...whole, kept }
      }
      return undefined
    } catch (error) {
      complete = true
      rejectHead(error)
      opened.reject(error)
      await content?.file.fail(error)
      return undefined
    } finally {
      // Clients that still read hold the file open.
      if (content !== undefined && kept !== 'kept')
        await rm(content.temp.path, { force: true }).catch(() => undefined)
      await leave().catch(() => undefined)
    }
  }

  head.catch(() => undefined)
  const done = fill()
  return {
    head,
    done,
    receiving: () => !complete && (content?.meta.length === undefined || received() < content.meta.length),
    follow() {
      users += 1
      return {
        read: async (buffer, position) => await (await opened.promise).read(buffer, position),
        close: leave,
      }
    },
  }
}

/** A download whose content has begun. */
interface Content {
  readonly temp: TempFile
  readonly file: GrowingFile
  readonly meta: ContentMeta
  readonly provenWhole: boolean
}

async function openContent(store: Store, answer: IncomingMessage): Promise<Content> {
  const temp = await store.createTemp().catch(failedWrite)
  const meta = metaOf(answer)
  const provenWhole = meta.length !== undefined || answer.headers['transfer-encoding'] !== undefined
  return { temp, file: growingFile(temp.handle), meta, provenWhole }
}

function failedWrite(error: unknown): never {
  throw notWritable(error)
}

interface Replay {
  readonly hash: Hash
  left: number
}

/** Takes the part of `piece` that we have already off, and compares it once it is complete. */
function afterReplay(replay: Replay, piece: Buffer, first: Hash, url: string): Buffer {
  if (replay.left === 0) return piece
  const old = piece.subarray(0, replay.left)
  replay.hash.update(old)
  replay.left -= old.length
  if (replay.left === 0 && replay.hash.digest('hex') !== first.copy().digest('hex')) throw bodyChanged(url)
  return piece.subarray(old.length)
}

function metaOf(answer: IncomingMessage): ContentMeta {
  const { etag, 'last-modified': lastModified, 'content-type': contentType } = answer.headers
  const length = answer.headers['content-length']
  return {
    ...(length === undefined ? {} : { length: Number(length) }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}

/** Headers of a later try: only the missing part, if the mirror can prove that the file is still the same. */
function resumeHeaders(
  headers: Readonly<Record<string, string>>,
  meta: ContentMeta,
  written: number,
): Record<string, string> {
  const { 'if-none-match': _etag, 'if-modified-since': _since, ...plain } = headers
  const strong = meta.etag?.startsWith('W/') === true ? undefined : meta.etag
  const validator = strong ?? meta.lastModified
  if (written === 0 || validator === undefined || meta.length === undefined) return plain
  return { ...plain, range: `bytes=${written}-`, 'if-range': validator }
}

function isConditional(headers: Readonly<Record<string, string>>): boolean {
  return 'if-none-match' in headers || 'if-modified-since' in headers
}

async function otherHead(answer: IncomingMessage, status: number, conditional: boolean): Promise<FillHead> {
  if (status === 304 && conditional) return { kind: 'not-modified' }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_OTHER_BODY) break
  }
  const contentType = answer.headers['content-type']
  return {
    kind: 'other',
    status,
    reason: answer.statusMessage ?? '',
    ...(contentType === undefined ? {} : { contentType }),
    body: Buffer.concat(chunks).subarray(0, MAX_OTHER_BODY),
  }
}
