import { readFile } from 'node:fs/promises'
import type { ServedFile } from '../cache/types.ts'

/** Reads what the package proxy has noted since the last call: one JSON object a line, appended as it serves. */
export function servedReader(file: string | undefined): () => Promise<readonly ServedFile[]> {
  let read = 0
  return async () => {
    if (file === undefined) return []
    const text = await readFile(file, 'utf8').catch(() => '')
    const whole = text.slice(read, text.lastIndexOf('\n') + 1)
    read += whole.length
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ServedFile)
  }
}
