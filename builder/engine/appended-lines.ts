import { readFile, stat } from 'node:fs/promises'

/**
 * Reads a file of JSON lines that grows while a build runs.
 *
 * @param file undefined is a file without lines
 * @returns a function that gives what has come since the last call, or since now
 */
export async function appendedLines<T>(file: string | undefined): Promise<() => Promise<readonly T[]>> {
  if (file === undefined) return async () => []
  let read = (await stat(file)).size
  return async () => {
    const bytes = (await readFile(file)).subarray(read)
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
    read += whole.length
    return whole
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  }
}
