/** Bytes of a pooled buffer: large enough that system calls do not count, small enough to have one per connection. */
export const POOLED_BYTES = 512 * 1024
/** Buffers kept for reuse. */
const KEPT = 16

const free: Buffer[] = []

/**
 * A buffer of {@link POOLED_BYTES} with arbitrary content. Large buffers live outside the JavaScript heap, and to
 * allocate one per request keeps the garbage collector busier than the content itself.
 */
export function takeBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(POOLED_BYTES)
}

/** Gives a buffer back that nothing reads or writes any more. */
export function giveBuffer(buffer: Buffer): void {
  if (free.length < KEPT) free.push(buffer)
}
