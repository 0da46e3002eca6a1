import type { FileNode, NodeType } from '../../../../registry/images/content/node.ts'
import { aclText } from './acl.ts'
import { capabilitiesText } from './capabilities.ts'
import { shown } from './print.ts'

/** Users and groups as the image itself calls them. */
export interface Owners {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlyMap<number, string>
}

const LETTERS: Readonly<Record<NodeType, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'character device': 'c',
  'block device': 'b',
  fifo: 'p',
  socket: 's',
}

/** A line as `ls -l` prints it, in cells; the last holds the name, a link's target and the extended attributes. */
export function longCells(name: string, node: FileNode, { users, groups }: Owners): readonly string[] {
  const { type, mode, links, uid, gid, size, modified, device } = node
  const target = type === 'symlink' ? ` -> ${shown(node.target())}` : ''
  const attributes = [...node.attributes()].map(
    ([key, value]) => `${shown(key)}=${attributeText(key, value)}`,
  )
  return [
    `${LETTERS[type]}${modeText(mode)}`,
    String(links),
    shown(users.get(uid) ?? String(uid)),
    shown(groups.get(gid) ?? String(gid)),
    device === undefined ? String(size) : device.join(','),
    timeText(modified),
    `${shown(name)}${target}${attributes.length === 0 ? '' : `  [${attributes.join(' ')}]`}`,
  ]
}

/** `rwxr-xr-x`, with set-user-ID, set-group-ID and sticky bits as ls shows them. */
export function modeText(mode: number): string {
  const special = [
    { bit: 0o4000, letter: 's' },
    { bit: 0o2000, letter: 's' },
    { bit: 0o1000, letter: 't' },
  ]
  return special
    .map(({ bit, letter }, index) => {
      const three = (mode >> (6 - 3 * index)) & 7
      const runs = (three & 1) !== 0
      const last = (mode & bit) === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase()
      return `${(three & 4) === 0 ? '-' : 'r'}${(three & 2) === 0 ? '-' : 'w'}${last}`
    })
    .join('')
}

/** Minutes, in UTC: an image has no time zone. */
export const timeText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')

const isAcl = (name: string): boolean => name.startsWith('system.posix_acl_')

/** Capabilities by name, access control lists as getfacl(1), text in quotes, everything else in hexadecimal digits, as getfattr(1) has it. */
function attributeText(name: string, value: Buffer): string {
  const text =
    name === 'security.capability' ? capabilitiesText(value) : isAcl(name) ? aclText(value) : undefined
  if (text !== undefined) return text
  return /^[\x20-\x7e]*$/.test(value.toString('latin1'))
    ? JSON.stringify(value.toString('latin1'))
    : `0x${value.toString('hex')}`
}
