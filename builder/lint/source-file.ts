import { readFile, stat } from 'node:fs/promises'

/** A file as the rules see it. */
export interface SourceFile {
  readonly path: string
  /** The content, a character for every byte: element trees hold binary files too. */
  readonly text: string
  readonly executable: boolean
}

/** Reads a file for the rules. */
export async function readSource(path: string): Promise<SourceFile> {
  const [text, { mode }] = await Promise.all([readFile(path, 'latin1'), stat(path)])
  return { path, text, executable: (mode & 0o111) !== 0 }
}

/** The lines of a file, without the empty rest behind the last newline. */
export function linesOf(file: SourceFile): string[] {
  const lines = file.text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

export function firstLine(file: SourceFile): string {
  return file.text.split('\n', 1)[0] ?? ''
}

/** True for a script in Python; DIB's own name for the interpreter counts (DIB contract §3.5, check 4). */
export function isPython(file: SourceFile): boolean {
  return /^#!.*python/.test(firstLine(file))
}
