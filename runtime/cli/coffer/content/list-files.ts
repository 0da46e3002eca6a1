import { basename } from 'node:path'
import type { FileNode } from '../../../../registry/images/content/node.ts'
import { namesByNumber } from '../../../../registry/images/content/owner-names.ts'
import { readWhole } from '../../../../registry/images/content/read-whole.ts'
import { findPath, type Place, resolvePath } from '../../../../registry/images/content/resolve.ts'
import { walk } from '../../../../registry/images/content/walk.ts'
import { longCells, type Owners } from './long-line.ts'
import { type ContentOptions, withImage } from './open-word.ts'
import { printJson, printLines, shown } from './print.ts'

export interface ListOptions extends ContentOptions {
  readonly long: boolean
  readonly recursive: boolean
  readonly json: boolean
}

/** What a line is about. */
interface Listed {
  readonly name: string
  readonly node: FileNode
}

const TABLE_BYTES = 4 * 1024 ** 2
/** Lines that are laid out together: columns are as wide as they need. */
const BATCH = 4096

/** `coffer image ls` */
export function listFiles(word: string, path: string, options: ListOptions): Promise<number> {
  return withImage(word, options, async ({ image }) => {
    const root = image.root()
    // As ls does: a link on the command line is followed to a directory, but shown itself with -l.
    const place = resolvePath(root, path, { follow: path.endsWith('/') || !options.long })
    const listed = options.recursive ? everything(place) : entries(place, path)
    const owners = { users: table(root, '/etc/passwd'), groups: table(root, '/etc/group') }
    if (options.json) await printJson([...listed].map((one) => describe(one, owners)))
    else await printLines(options.long ? longLines(listed, owners) : shortLines(listed))
    return 0
  })
}

function entries({ node }: Place, path: string): Listed[] {
  if (node.type !== 'directory') return [{ name: path, node }]
  return node
    .names()
    .toSorted()
    .flatMap((name) => {
      const child = node.child(name)
      return child === undefined ? [] : [{ name, node: child }]
    })
}

/** By whole paths, so that each line stands for itself. */
function* everything(place: Place): Generator<Listed> {
  for (const { path, node } of walk(place)) yield { name: path, node }
}

function* shortLines(listed: Iterable<Listed>): Generator<string> {
  for (const { name } of listed) yield shown(name)
}

function* longLines(listed: Iterable<Listed>, owners: Owners): Generator<string> {
  let rows: (readonly string[])[] = []
  for (const { name, node } of listed) {
    rows.push(longCells(name, node, owners))
    if (rows.length < BATCH) continue
    yield* aligned(rows)
    rows = []
  }
  yield* aligned(rows)
}

/** Numbers to the right, all else to the left; the name is last and stays as it is. */
function* aligned(rows: readonly (readonly string[])[]): Generator<string> {
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(0, ...rows.map((row) => (row[column] ?? '').length)),
  )
  for (const row of rows) {
    yield row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 1 || column === 4 ? cell.padStart(width) : cell.padEnd(width)
      })
      .join(' ')
  }
}

/** Values of extended attributes are in Base64: they may be any bytes. */
function describe({ name, node }: Listed, { users, groups }: Owners) {
  const { type, mode, uid, gid, size, modified, links, device } = node
  const [user, group] = [users.get(uid), groups.get(gid)]
  const attributes = [...node.attributes()].map(([key, value]) => [key, value.toString('base64')])
  return {
    ...(name.startsWith('/') ? { path: name, name: basename(name) } : { name }),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    ...{ uid, gid },
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...{ size, links },
    modified: new Date(modified * 1000).toISOString(),
    ...(type === 'symlink' ? { target: node.target() } : {}),
    ...(device === undefined ? {} : { device }),
    ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
  }
}

function table(root: FileNode, path: string): ReadonlyMap<number, string> {
  const bytes = readWhole(findPath(root, path, { follow: true })?.node, TABLE_BYTES)
  return namesByNumber(bytes?.toString('utf8') ?? '')
}
