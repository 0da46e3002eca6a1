import { type Bytes, probe } from '../bytes.ts'
import { broken, unsupported } from '../errors.ts'
import { type FileNode, MAX_PIECE, type NodeType } from '../node.ts'
import { hasRightSum, TAR_BLOCK } from './header.ts'
import { type TarMember, tarMembers } from './members.ts'

/** What is collected for a name while the archive is read. */
interface Entry {
  readonly identity: string
  member: TarMember | undefined
  readonly children: Map<string, Entry>
  links: number
}

const TYPES: Readonly<Record<string, NodeType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
}
const MAX_DEPTH = 1000

/** Whether bytes begin as a tar archive does. */
export function looksLikeTar(file: Bytes): boolean {
  const block = probe(file, 0, TAR_BLOCK)
  return block?.toString('latin1', 257, 262) === 'ustar' && hasRightSum(block)
}

/**
 * The tree that a tar archive would unpack to. The whole archive's headers are read.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN, IMAGE_CONTENT_UNSUPPORTED for members of other kinds
 */
export function openTar(archive: Bytes): FileNode {
  let count = 0
  const make = (): Entry => {
    count += 1
    return { identity: String(count), member: undefined, children: new Map(), links: 1 }
  }
  const root = make()
  for (const member of tarMembers(archive)) add(root, member, make)
  return nodeOf(root, archive)
}

function add(root: Entry, member: TarMember, make: () => Entry): void {
  const path = wordsOf(member.name)
  if (member.flag === '1') {
    const first = find(root, wordsOf(member.link))
    if (first?.member === undefined)
      throw broken('tar', `${member.name} is another name of what is not there`)
    first.links += 1
    const name = path.pop()
    if (name !== undefined) find(root, path, make)?.children.set(name, first)
    return
  }
  if (TYPES[member.flag] === undefined)
    throw unsupported(`its member ${member.name} is of type ${member.flag}`)
  const entry = find(root, path, make)
  if (entry !== undefined) entry.member = member
}

function find(root: Entry, path: readonly string[], make?: () => Entry): Entry | undefined {
  let at: Entry | undefined = root
  for (const word of path) {
    let child: Entry | undefined = at?.children.get(word)
    if (child === undefined && make !== undefined) {
      child = make()
      at?.children.set(word, child)
    }
    at = child
  }
  return at
}

function nodeOf(entry: Entry, archive: Bytes): FileNode {
  const { identity, member, children, links } = entry
  const type = TYPES[member?.flag ?? '5'] ?? 'directory'
  return {
    type,
    mode: member?.mode ?? 0o755,
    uid: member?.uid ?? 0,
    gid: member?.gid ?? 0,
    size: type === 'symlink' ? Buffer.byteLength(member?.link ?? '') : (member?.size ?? 0),
    modified: member?.modified ?? 0,
    links,
    identity,
    ...(type.endsWith('device') && member !== undefined ? { device: member.device } : {}),
    names: () => (type === 'directory' ? [...children.keys()] : []),
    child(name) {
      const child = type === 'directory' ? children.get(name) : undefined
      return child === undefined ? undefined : nodeOf(child, archive)
    },
    target: () => (type === 'symlink' ? (member?.link ?? '') : ''),
    *pieces() {
      if (type !== 'file' || member === undefined) return
      for (let done = 0; done < member.size; done += MAX_PIECE) {
        yield archive.read(member.offset + done, Math.min(MAX_PIECE, member.size - done))
      }
    },
    attributes: () => member?.attributes ?? new Map(),
  }
}

/** Members are below the archive's root whatever they are called. */
function wordsOf(name: string): string[] {
  const words = name.split('/').filter((word) => word !== '' && word !== '.')
  if (words.includes('..') || words.length > MAX_DEPTH)
    throw broken('tar', `${name} leads out of the archive`)
  return words
}
