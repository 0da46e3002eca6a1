import { open, stat } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'

const PAUSE_MS = 300
const CHUNK = 64 * 1024
/** The end of a log that is looked through for its last lines, in bytes. */
const TAIL = 4 * 1024 * 1024

/** The last complete lines of a file that pass, and where the file ended. */
export async function lastLines(
  file: string,
  count: number,
  passes: (line: string) => boolean,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const { size } = await stat(file)
  const start = Math.max(0, size - TAIL)
  const text = await readFrom(file, start, size)
  const whole = text.slice(start === 0 ? 0 : text.indexOf('\n') + 1, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').filter((line) => line !== '' && passes(line))
  const end = start + Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1))
  return { lines: count === 0 ? [] : lines.slice(-count), end }
}

/**
 * Lines as they are added to a file, for ever; a file that was replaced or cut is read from its beginning.
 *
 * @param from byte to begin at
 */
export async function* followLines(file: string, from: number, clock: Clock): AsyncGenerator<string> {
  let at = from
  let inode = (await stat(file)).ino
  let rest = ''
  for (;;) {
    const now = await stat(file).catch(() => undefined)
    if (now !== undefined) {
      if (now.ino !== inode || now.size < at) {
        at = 0
        rest = ''
        inode = now.ino
      }
      if (now.size > at) {
        const text = rest + (await readFrom(file, at, now.size))
        at = now.size
        const lines = text.split('\n')
        rest = lines.pop() ?? ''
        yield* lines
      }
    }
    await clock.sleep(PAUSE_MS)
  }
}

async function readFrom(file: string, start: number, end: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const parts: Buffer[] = []
    for (let at = start; at < end; ) {
      const { bytesRead, buffer } = await handle.read(
        Buffer.alloc(Math.min(CHUNK, end - at)),
        0,
        undefined,
        at,
      )
      if (bytesRead === 0) break
      parts.push(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    return Buffer.concat(parts).toString('utf8')
  } finally {
    await handle.close()
  }
}

/**
 * What is new in a console that was shown before: its end is read again and again, and older output falls out of it.
 *
 * @param before what was shown last
 */
export function newPart(before: string, now: string): string {
  if (before === '') return now
  for (const length of [4096, 512, 64]) {
    const end = before.slice(-length)
    const at = now.lastIndexOf(end)
    if (at >= 0) return now.slice(at + end.length)
  }
  return now
}
