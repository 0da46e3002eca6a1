import { readFile } from 'node:fs/promises'
import { isErrno } from '../../lib/errors.ts'
import { linesOf, type SourceFile } from './source-file.ts'

/** Rules that a file switches off for itself: `# dib-lint: disable=a b` at the beginning of a line. */
export function ownExclusions(file: SourceFile): string[] {
  return linesOf(file).flatMap((line) => {
    const [, names] = /^# dib-lint: disable=(.*)$/.exec(line) ?? []
    return names === undefined ? [] : words(names)
  })
}

/** Rules that a tree switches off for all files: `ignore =` in the section `[dib-lint]` of tox.ini. */
export async function treeExclusions(path = 'tox.ini'): Promise<string[]> {
  try {
    return ignored(await readFile(path, 'utf8'))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

function ignored(text: string): string[] {
  let section = ''
  let inValue = false
  const names: string[] = []
  for (const line of text.split('\n')) {
    const [, header] = /^\[([^\]]*)\]/.exec(line) ?? []
    const [, value] = /^ignore\s*[=:](.*)$/.exec(line) ?? []
    if (header !== undefined) {
      section = header
      inValue = false
    } else if (section === 'dib-lint' && value !== undefined) {
      names.push(...words(value))
      inValue = true
    } else if (inValue && /^\s+\S/.test(line)) {
      names.push(...words(line))
    } else if (!/^\s*([#;]|$)/.test(line)) {
      inValue = false
    }
  }
  return names
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
