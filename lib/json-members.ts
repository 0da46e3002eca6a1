/** What may come next in the object, or what we are in. */
type State = 'start' | 'name or end' | 'name' | 'in name' | 'colon' | 'value' | 'in value' | 'next' | 'end'

/** A member of a JSON object, its value still as text. */
export interface JsonMember {
  readonly name: string
  /** A whole JSON value, not yet looked into. */
  readonly text: string
}

export interface JsonMembersOptions {
  /** Whether a member's value is of use: the others are passed over and never held in memory. */
  readonly wanted: (name: string) => boolean
  /** Most bytes of one value that is wanted. */
  readonly maxBytes: number
}

/** What nobody means, and what costs memory or stack. */
const MAX_NAME_BYTES = 1024
const MAX_DEPTH = 64

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COLON, COMMA] = [...'"\\{}[]:,'].map(
  (character) => character.charCodeAt(0),
) as [number, number, number, number, number, number, number, number]

/**
 * The wanted members of a JSON object that is too large to be read whole. Memory: one value and one chunk.
 *
 * Values that are not wanted are only counted through, so mistakes inside them can stay unnoticed; the structure around
 * them cannot.
 *
 * @throws SyntaxError with the place, when the text is not one JSON object, is cut short, or exceeds a limit
 */
export async function* jsonMembers(
  chunks: AsyncIterable<Uint8Array>,
  { wanted, maxBytes }: JsonMembersOptions,
): AsyncGenerator<JsonMember> {
  let state = 'start' as State
  /** Bytes before the present chunk. */
  let before = 0
  let name = ''
  let taken: Buffer[] = []
  let takenBytes = 0
  let take = false
  let depth = 0
  let inString = false
  let escaped = false

  const broken = (at: number, reason: string) => new SyntaxError(`at byte ${before + at}: ${reason}`)

  function keep(chunk: Uint8Array, from: number, to: number, limit: number, what: string): void {
    takenBytes += to - from
    if (takenBytes > limit) throw broken(from, `the ${what} is longer than ${limit} bytes`)
    // A copy: whoever reads the file may use its buffer again.
    taken.push(Buffer.from(chunk.subarray(from, to)))
  }

  function takenText(): string {
    const text = Buffer.concat(taken).toString('utf8')
    taken = []
    takenBytes = 0
    return text
  }

  /** @returns the place right behind the name's closing quote, or the chunk's end */
  function passName(chunk: Uint8Array, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (escaped) escaped = false
      else if (byte === BACKSLASH) escaped = true
      else if (byte === QUOTE) {
        keep(chunk, from, at, MAX_NAME_BYTES, 'name')
        try {
          name = JSON.parse(`"${takenText()}"`) as string
        } catch {
          throw broken(at, 'a name is not a JSON string')
        }
        state = 'colon'
        return at + 1
      }
    }
    keep(chunk, from, at, MAX_NAME_BYTES, 'name')
    return at
  }

  /** @returns the place of the first byte after the value, or the chunk's end */
  function passValue(chunk: Uint8Array, from: number): number {
    let at = from
    loop: for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
        continue
      }
      switch (byte) {
        case QUOTE:
          inString = true
          break
        case OPEN:
        case OPEN_LIST:
          if (++depth > MAX_DEPTH) throw broken(at, `it nests deeper than ${MAX_DEPTH} levels`)
          break
        case CLOSE:
        case CLOSE_LIST:
          if (depth === 0) {
            state = 'next'
            break loop
          }
          depth--
          break
        case COMMA:
          if (depth === 0) {
            state = 'next'
            break loop
          }
      }
    }
    if (take) keep(chunk, from, at, maxBytes, `value of ${JSON.stringify(name)}`)
    return at
  }

  for await (const chunk of chunks) {
    let at = 0
    while (at < chunk.length) {
      const byte = chunk[at] ?? 0
      if (state === 'in name') {
        at = passName(chunk, at)
        continue
      }
      if (state === 'in value') {
        at = passValue(chunk, at)
        // The cast: the compiler does not see that passValue moves on.
        if (take && (state as State) === 'next') yield { name, text: takenText() }
        continue
      }
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) {
        at++
        continue
      }
      if (state === 'start' && byte === OPEN) state = 'name or end'
      else if ((state === 'name or end' || state === 'name') && byte === QUOTE) state = 'in name'
      else if ((state === 'name or end' || state === 'next') && byte === CLOSE) state = 'end'
      else if (state === 'next' && byte === COMMA) state = 'name'
      else if (state === 'colon' && byte === COLON) state = 'value'
      else if (state === 'value' && byte !== COMMA && byte !== CLOSE && byte !== CLOSE_LIST) {
        state = 'in value'
        take = wanted(name)
        continue
      } else throw broken(at, `${JSON.stringify(String.fromCharCode(byte))} is out of place`)
      at++
    }
    before += chunk.length
  }
  if (state !== 'end')
    throw broken(0, state === 'start' ? 'there is no JSON object' : 'the text ends too early')
}
