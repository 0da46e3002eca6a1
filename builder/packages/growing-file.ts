import type { FileHandle } from 'node:fs/promises'

/** A file that one writer lengthens while any number of readers follow it to its end. */
export interface GrowingFile {
  /** Takes bytes; resolves when there is room for more. @throws the disk's error */
  readonly append: (bytes: Buffer) => Promise<void>
  /** Bytes taken so far. */
  readonly length: () => number
  /** Fills `buffer` from `position` on, waiting for bytes that are still to come; 0 at the end. @throws what `fail` got */
  readonly read: (buffer: Uint8Array, position: number) => Promise<number>
  /** Waits until everything is in the file, and lets the readers see its end. @throws the disk's error */
  readonly finish: () => Promise<void>
  /** Ends the readers that have all there is with an error. Waits for the disk. */
  readonly fail: (error: unknown) => Promise<void>
}

/** How far the disk may lag behind the network, in bytes. */
const MAX_BEHIND = 4 * 1024 * 1024

/** Starts with the empty file behind `handle`, which the caller closes after `finish` or `fail` and all reads. */
export function growingFile(handle: FileHandle): GrowingFile {
  /** Taken, but not in the file yet. Readers who keep up are served from here. */
  const pending: Buffer[] = []
  let onDisk = 0
  let taken = 0
  let draining: Promise<void> | undefined
  let diskError: unknown
  let ended: { readonly error?: unknown } | undefined
  let change = Promise.withResolvers<void>()

  const announce = () => {
    const { resolve } = change
    change = Promise.withResolvers<void>()
    resolve()
  }

  /** Writes what has gathered, in one system call a turn: the slower the disk, the larger the pieces. */
  async function drain(): Promise<void> {
    try {
      while (pending.length > 0) {
        const batch = pending.slice()
        const { bytesWritten } = await handle.writev(batch, onDisk)
        let gone = bytesWritten
        for (let first = pending[0]; first !== undefined && gone >= first.length; first = pending[0]) {
          gone -= first.length
          pending.shift()
        }
        const first = pending[0]
        if (gone > 0 && first !== undefined) pending[0] = first.subarray(gone)
        onDisk += bytesWritten
        announce()
      }
    } catch (error) {
      diskError = error
      announce()
    } finally {
      draining = undefined
    }
  }

  function copyPending(buffer: Uint8Array, position: number): number {
    let start = onDisk
    let copied = 0
    for (const piece of pending) {
      const from = position + copied - start
      if (from < piece.length) copied += piece.copy(buffer, copied, from)
      if (copied === buffer.length) break
      start += piece.length
    }
    return copied
  }

  return {
    length: () => taken,
    async append(bytes) {
      pending.push(bytes)
      taken += bytes.length
      announce()
      draining ??= drain()
      while (diskError === undefined && taken - onDisk > MAX_BEHIND) await change.promise
      if (diskError !== undefined) throw diskError
    },
    async read(buffer, position) {
      for (;;) {
        if (position < onDisk) {
          const length = Math.min(buffer.length, onDisk - position)
          return (await handle.read(buffer, 0, length, position)).bytesRead
        }
        if (position < taken) return copyPending(buffer, position)
        if (ended !== undefined) {
          if ('error' in ended) throw ended.error
          return 0
        }
        await change.promise
      }
    },
    async finish() {
      await draining
      if (diskError !== undefined) throw diskError
      ended = {}
      announce()
    },
    async fail(error) {
      ended ??= { error }
      announce()
      await draining
    },
  }
}
