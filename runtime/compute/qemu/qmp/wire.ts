import { CofferError } from '../../../../lib/errors.ts'

/** QEMU's first line. */
export interface Greeting {
  readonly QMP: object
}

/** The answer to a command, found again by its id. */
export interface Answer {
  readonly id: number
  readonly return?: unknown
  readonly error?: { readonly class: string; readonly desc: string }
}

/** Something that happened by itself. */
export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export type Message =
  | ({ readonly kind: 'greeting' } & Greeting)
  | ({ readonly kind: 'answer' } & Answer)
  | ({ readonly kind: 'event' } & QmpEvent)

/** A ring buffer of the console is the longest answer: 128 KiB as base64. The rest is a few hundred bytes. */
const LONGEST_LINE = 1024 * 1024

/**
 * Cuts a byte stream into QMP messages, one JSON object a line. QEMU runs hostile guests, so it is not trusted either:
 * lines are limited, and what is not a message is refused.
 *
 * @throws CofferError `QMP_BROKEN` from `push`
 */
export function messageReader(): { readonly push: (chunk: string) => Message[] } {
  let rest = ''
  return {
    push(chunk) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LONGEST_LINE || lines.some((line) => line.length > LONGEST_LINE)) {
        throw broken('a line without end')
      }
      return lines.filter((line) => line.trim() !== '').map(parse)
    },
  }
}

/** A command as QEMU reads it. */
export function encodeCommand(id: number, name: string, args?: object): string {
  return `${JSON.stringify({ execute: name, id, ...(args === undefined ? {} : { arguments: args }) })}\n`
}

function parse(line: string): Message {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw broken('a line that is not JSON')
  }
  if (!isRecord(value)) throw broken('something that is not an object')
  if (isRecord(value.QMP)) return { kind: 'greeting', QMP: value.QMP }
  if (typeof value.event === 'string') {
    return { kind: 'event', event: value.event, data: isRecord(value.data) ? value.data : {} }
  }
  if (typeof value.id === 'number') {
    if (!isRecord(value.error)) return { kind: 'answer', id: value.id, return: value.return }
    const { class: kind, desc } = value.error
    return { kind: 'answer', id: value.id, error: { class: String(kind), desc: String(desc) } }
  }
  throw broken('a message of no known kind')
}

function broken(what: string): CofferError {
  return new CofferError('QMP_BROKEN', `QEMU's control socket sent ${what}`, {
    hint: 'The server may have been tampered with. Look at its console, then delete it.',
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
