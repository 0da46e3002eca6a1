import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CofferError, isErrno } from '../lib/errors.ts'
import { compareBytes } from './order.ts'
import { statFollowed } from './stat-followed.ts'

/** An element: a directory of hooks and data that changes an image. */
export interface Element {
  /** The base name of the real path, so a link to an element has the target's name. */
  readonly name: string
  /** The real path. */
  readonly path: string
  /** Names in `element-deps`, each once, in the file's order. */
  readonly dependencies: readonly string[]
  /** Names in `element-provides`, each once, in the file's order. */
  readonly provides: readonly string[]
}

/** An element that hides another of the same name later in the search path. */
export interface ElementOverride {
  readonly name: string
  readonly path: string
  /** The hidden element's path. */
  readonly overridden: string
}

/** What a search path offers. */
export interface ElementIndex {
  readonly searchPath: readonly string[]
  readonly elements: ReadonlyMap<string, Element>
  readonly overrides: readonly ElementOverride[]
  /** Every directory of a name, hidden ones too, the one in use first: package-installs reads them all. */
  readonly all: ReadonlyMap<string, readonly string[]>
}

/**
 * Finds the elements of a search path (DIB contract §2). Every directory in an entry is an element; the earliest entry
 * wins. Within one entry, names are taken in byte order and the last wins.
 *
 * @param searchPath the entries of ELEMENTS_PATH, the built-in directories last
 * @throws CofferError `ELEMENTS_PATH_EMPTY`, `ELEMENTS_PATH_INVALID`, `ELEMENTS_PATH_UNREADABLE`, `ELEMENT_UNREADABLE`
 */
export async function indexElements(searchPath: readonly string[]): Promise<ElementIndex> {
  if (searchPath.length === 0) {
    throw new CofferError('ELEMENTS_PATH_EMPTY', '$ELEMENTS_PATH must be set.', {
      hint: 'Set it to one or more directories of elements, separated by colons.',
    })
  }
  const elements = new Map<string, Element>()
  const overrides: ElementOverride[] = []
  const all = new Map<string, string[]>()
  for (const entry of [...searchPath].reverse()) {
    for (const path of await elementDirectories(entry)) {
      const element = await readElement(path)
      const hidden = elements.get(element.name)
      if (hidden?.path === path) continue
      if (hidden !== undefined) overrides.push({ name: element.name, path, overridden: hidden.path })
      elements.set(element.name, element)
      all.set(element.name, [path, ...(all.get(element.name) ?? []).filter((other) => other !== path)])
    }
  }
  return { searchPath, elements, overrides, all }
}

/** Real paths of the directories in one entry of the search path. */
async function elementDirectories(entry: string): Promise<string[]> {
  try {
    if (entry === '' || (await statFollowed(entry))?.isDirectory() !== true) throw notADirectory(entry)
    const names = (await readdir(entry)).sort(compareBytes)
    const paths = await Promise.all(
      names.map(async (name) => {
        const path = join(entry, name)
        return (await statFollowed(path))?.isDirectory() === true ? realpath(path) : undefined
      }),
    )
    return paths.filter((path) => path !== undefined)
  } catch (error) {
    if (error instanceof CofferError) throw error
    throw new CofferError('ELEMENTS_PATH_UNREADABLE', `ELEMENTS_PATH entry '${entry}' cannot be read`, {
      hint: 'Its directories must be readable and searchable for the user who builds.',
      cause: error,
    })
  }
}

function notADirectory(entry: string): CofferError {
  return new CofferError('ELEMENTS_PATH_INVALID', `ELEMENTS_PATH entry '${entry}' is not a directory`, {
    hint:
      entry === ''
        ? 'Two colons in a row, or one at an end, make an empty entry: take it out.'
        : 'Correct ELEMENTS_PATH, or create the directory.',
  })
}

async function readElement(path: string): Promise<Element> {
  const [dependencies, provides] = await Promise.all([
    readNames(join(path, 'element-deps')),
    readNames(join(path, 'element-provides')),
  ])
  return { name: basename(path), path, dependencies, provides }
}

/** Names, one a line. A line that starts with `#` is a name too: DIB knows no comments here. */
async function readNames(file: string): Promise<string[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split(/\r\n|\r|\n/).map((line) => line.trim())
    return [...new Set(lines.filter((line) => line !== ''))]
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw new CofferError('ELEMENT_UNREADABLE', `${file} cannot be read: ${(error as Error).message}`, {
      hint: 'It must be a file readable for the user who builds.',
      cause: error,
    })
  }
}
