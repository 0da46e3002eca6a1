import { ZEROS } from '../content/node.ts'

/** Whether two files have the same bytes. Holes that both have are not looked at, however large they are. */
export function sameBytes(a: Iterable<Buffer>, b: Iterable<Buffer>): boolean {
  const [left, right] = [reader(a), reader(b)]
  for (;;) {
    const [one, other] = [left.piece(), right.piece()]
    if (one === undefined || other === undefined) return one === other
    const length = Math.min(one.length, other.length)
    const holes = one.buffer === ZEROS.buffer && other.buffer === ZEROS.buffer
    if (!holes && one.compare(other, 0, length, 0, length) !== 0) return false
    left.take(length)
    right.take(length)
  }
}

/** Gives pieces, and what was not taken of one again. */
function reader(pieces: Iterable<Buffer>) {
  const iterator = pieces[Symbol.iterator]()
  let rest: Buffer | undefined
  return {
    piece(): Buffer | undefined {
      while (rest === undefined || rest.length === 0) {
        const next = iterator.next()
        if (next.done === true) return undefined
        rest = next.value
      }
      return rest
    },
    take(length: number): void {
      rest = rest?.subarray(length)
    },
  }
}
