import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../lib/errors.ts'
import { digestFile, sha256 } from '../lib/hash.ts'
import type { Element } from './elements.ts'
import { followHook } from './hook-tree.ts'
import { compareBytes } from './order.ts'
import { statFollowed } from './stat-followed.ts'

export { writeHooks } from './write-hooks.ts'

/** One entry of the flattened hooks directory. Plain data. */
export interface HookFile {
  /** Path in the hooks directory. */
  readonly destination: string
  /** Absolute path of what is copied. */
  readonly source: string
  /** Name of the element it comes from. */
  readonly element: string
  /** Permission bits. */
  readonly mode: number
  readonly kind: 'file' | 'directory' | 'symlink'
  /** SHA-256 of the bytes, or of a link's text; empty for a directory. */
  readonly digest: string
  /** A link's text. */
  readonly target?: string
  /** What an earlier element had at this destination. Scripts may find it in that element's own directory. */
  readonly replaces?: HookFile
}

/** Files of all elements: those in the hooks directory, and those that others replaced there. */
export function everyFile(hooks: readonly HookFile[]): HookFile[] {
  return hooks.flatMap((file) => {
    const files = [file]
    for (let { replaces } = file; replaces !== undefined; replaces = replaces.replaces) files.push(replaces)
    return files
  })
}

/** Directories of an element that are not hooks. */
const NOT_HOOKS = new Set(['tests', '__pycache__'])

/**
 * Flattens elements into one hooks directory, without writing it (DIB contract §1.3).
 *
 * Directories of elements merge. A name right inside one of them may come from one element only; deeper files and files
 * at the top of an element replace those of earlier elements. Names that start with a dot are left out right inside a
 * directory, and so are whole directories at the top that start with one (`.git`).
 *
 * @param elements in order; where two meet, the later replaces
 * @returns parents before what they hold
 * @throws CofferError `HOOK_DUPLICATE` for a name two elements have right inside a directory, `HOOK_KIND_CONFLICT` where
 *   a directory of one meets a file of another, `HOOK_NOT_A_FILE` for a device, socket or pipe
 */
export async function planHooks(elements: readonly Pick<Element, 'name' | 'path'>[]): Promise<HookFile[]> {
  const tree = new Map<string, HookFile>()
  for (const element of elements) {
    const files: HookFile[] = []
    for (const name of await names(element.path)) {
      const source = join(element.path, name)
      // Links are followed here only: a link to a directory is that directory.
      const kind = await statFollowed(source)
      if (kind?.isDirectory() === true) {
        if (NOT_HOOKS.has(name) || name.startsWith('.')) continue
        await addDirectory(tree, element.name, await realpath(source), name)
      } else if (kind?.isFile() === true && !name.endsWith('.pyc')) {
        files.push(await describe(element.name, source, name))
      }
    }
    for (const file of files) add(tree, file)
  }
  return [...tree.values()].sort((a, b) => compareBytes(a.destination, b.destination))
}

async function addDirectory(
  tree: Map<string, HookFile>,
  element: string,
  source: string,
  name: string,
): Promise<void> {
  add(tree, { destination: name, source, element, mode: 0o755, kind: 'directory', digest: '' })
  for (const entry of (await names(source)).filter((candidate) => !candidate.startsWith('.'))) {
    const file = await describe(element, join(source, entry), `${name}/${entry}`)
    if (await isRegularFile(tree, file.destination)) throw duplicate(tree, file)
    add(tree, file)
    if (file.kind === 'directory') await addBelow(tree, file)
  }
}

async function addBelow(tree: Map<string, HookFile>, directory: HookFile): Promise<void> {
  for (const entry of await names(directory.source)) {
    const destination = `${directory.destination}/${entry}`
    const file = await describe(directory.element, join(directory.source, entry), destination)
    add(tree, file)
    if (file.kind === 'directory') await addBelow(tree, file)
  }
}

async function names(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort(compareBytes)
}

async function describe(element: string, source: string, destination: string): Promise<HookFile> {
  const found = await lstat(source)
  const common = { destination, source, element, mode: found.mode & 0o7777 }
  if (found.isDirectory()) return { ...common, kind: 'directory', digest: '' }
  if (found.isFile()) return { ...common, kind: 'file', digest: await digestFile(source) }
  if (found.isSymbolicLink()) {
    const target = await readlink(source)
    return { ...common, kind: 'symlink', digest: sha256(target), target }
  }
  throw new CofferError(
    'HOOK_NOT_A_FILE',
    `${source} of element ${element} is not a file, a directory or a link`,
    { hint: 'Take the device, socket or pipe out of the element.' },
  )
}

/** Puts a file into the tree; two directories become one, anything else replaces what was there. */
function add(tree: Map<string, HookFile>, file: HookFile): void {
  const earlier = tree.get(file.destination)
  if (earlier === undefined) {
    tree.set(file.destination, file)
  } else if ((earlier.kind === 'directory') !== (file.kind === 'directory')) {
    throw kindConflict(earlier, file)
  } else if (file.kind !== 'directory') {
    tree.set(file.destination, { ...file, replaces: earlier })
  }
}

/** What `test -f` would say of a destination in the hooks directory. */
async function isRegularFile(tree: ReadonlyMap<string, HookFile>, destination: string): Promise<boolean> {
  const earlier = tree.get(destination)
  if (earlier?.target?.startsWith('/') === true) {
    return (await statFollowed(earlier.target))?.isFile() === true
  }
  return followHook(tree, destination)?.kind === 'file'
}

function duplicate(tree: ReadonlyMap<string, HookFile>, file: HookFile): CofferError {
  const earlier = tree.get(file.destination)
  return new CofferError(
    'HOOK_DUPLICATE',
    `There is a duplicated hook in your elements: /${file.destination}`,
    {
      hint: `Elements ${earlier?.element} and ${file.element} both have it (${earlier?.source}, ${file.source}): rename one, or leave one element out.`,
    },
  )
}

function kindConflict(earlier: HookFile, file: HookFile): CofferError {
  const what = (hook: HookFile) => (hook.kind === 'directory' ? 'a directory' : 'a file')
  return new CofferError(
    'HOOK_KIND_CONFLICT',
    `${file.destination} is ${what(earlier)} in element ${earlier.element} and ${what(file)} in element ${file.element}`,
    { hint: `Rename one of them (${earlier.source}, ${file.source}).` },
  )
}
