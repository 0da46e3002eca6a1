import type { SourceFile } from './source-file.ts'

/** One thing a file must or must not do. Numbers in comments are the checks of DIB contract §3.5. */
export interface Rule {
  /** The word that switches the rule off, in the file or in tox.ini. Absent: it cannot be switched off. */
  readonly name?: string
  /** What is wrong with the file; each entry may carry further lines that show the places. */
  readonly check: (file: SourceFile) => readonly string[]
}

/** The one complaint when `wrong` holds, else none. */
export function complainIf(wrong: boolean, complaint: string): readonly string[] {
  return wrong ? [complaint] : []
}
