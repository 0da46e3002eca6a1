import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { broken } from './errors.ts'

/**
 * Bytes that can be read at any place: a file, the disk inside it, a partition of the disk.
 *
 * Reading is synchronous: whoever looks into an image waits for it anyway, and a walk over a file system is a long chain of
 * small reads that depend on each other. A service must do it in another process.
 */
export interface Bytes {
  readonly size: number
  /**
   * Exactly `length` bytes from `offset`. The buffer may be shared: nobody writes to it.
   * @throws CofferError IMAGE_CONTENT_BROKEN when the bytes are not all there
   */
  readonly read: (offset: number, length: number) => Buffer
}

/** An open file. */
export interface FileBytes extends Bytes {
  readonly close: () => void
}

/**
 * Opens a regular file for reading.
 *
 * @throws CofferError IMAGE_NOT_FOUND, IMAGE_REFUSED when it is something else than a file
 */
export function openBytes(path: string): FileBytes {
  const descriptor = openDescriptor(path)
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) {
    closeSync(descriptor)
    throw new CofferError('IMAGE_REFUSED', `${path} is not an image: it is not a regular file`)
  }
  const { size } = stat
  return {
    size,
    read(offset, length) {
      checkRange('the file', size, offset, length)
      const buffer = Buffer.allocUnsafe(length)
      for (let done = 0; done < length; ) {
        const count = readSync(descriptor, buffer, done, length - done, offset + done)
        if (count === 0) throw broken('the file', 'it became shorter while it was read')
        done += count
      }
      return buffer
    },
    close: () => closeSync(descriptor),
  }
}

/** A part of other bytes, with offsets of its own. The part need not be all there: what is missing cannot be read. */
export function part(of: Bytes, start: number, size: number, what: string): Bytes {
  return {
    size,
    read(offset, length) {
      checkRange(what, size, offset, length)
      return of.read(start + offset, length)
    },
  }
}

/** As {@link Bytes.read}, or undefined where the bytes are not all there: for probing. */
export function probe(bytes: Bytes, offset: number, length: number): Buffer | undefined {
  return offset + length > bytes.size ? undefined : bytes.read(offset, length)
}

export function checkRange(what: string, size: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return
  throw broken(what, `it has ${size} bytes, and ${length} at ${offset} were asked for`)
}

function openDescriptor(path: string): number {
  try {
    // A pipe of this name must not make the caller wait for a writer.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) {
      throw new CofferError('IMAGE_NOT_FOUND', `Image ${path} cannot be found.`, {
        hint: 'Give the path of a file, or an id or a name that coffer image list shows.',
      })
    }
    throw error
  }
}
