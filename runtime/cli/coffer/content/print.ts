import { once } from 'node:events'
import { printableLine } from '../../../../lib/printable.ts'

/** Prints lines, as fast as they are read. */
export async function printLines(lines: Iterable<string>): Promise<void> {
  let waiting: string[] = []
  let length = 0
  for (const line of lines) {
    waiting.push(line)
    length += line.length
    if (length < 65_536) continue
    await write(`${waiting.join('\n')}\n`)
    waiting = []
    length = 0
  }
  if (waiting.length > 0) await write(`${waiting.join('\n')}\n`)
}

export const printJson = (value: unknown): Promise<void> => write(`${JSON.stringify(value, undefined, 2)}\n`)

/** Writes to standard output, and waits while its reader is slow: whoever has gone away is noticed between two pieces. */
export async function write(data: string | Buffer): Promise<void> {
  if (!process.stdout.write(data)) await once(process.stdout, 'drain')
  else await new Promise(setImmediate)
}

/** Tells what does not stop the command. */
export function note(text: string): void {
  process.stderr.write(`note: ${printableLine(text)}\n`)
}

/** A name of an image's file for the terminal: nothing in it can drive the terminal, and bytes that are no text are shown. */
export function shown(name: string): string {
  return printableLine(name).replace(
    /(?<![\ud800-\udbff])[\udc80-\udcff]/g,
    (character) => `\\x${(character.charCodeAt(0) - 0xdc00).toString(16)}`,
  )
}

/** `1.5 MiB` */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10))
  return step === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** step).toFixed(1)} ${units[step]}`
}
