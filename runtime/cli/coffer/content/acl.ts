/** Words for the tags of entries, as getfacl(1) prints them (acl(5)). */
const TAGS: Readonly<Record<number, string>> = {
  1: 'user',
  2: 'user',
  4: 'group',
  8: 'group',
  16: 'mask',
  32: 'other',
}
const NO_ID = 0xffff_ffff

/**
 * An access control list in getfacl's short form: `user::rwx,group::r-x,group:4:r-x,mask::r-x,other::r-x`.
 *
 * @param value as getxattr(2) gives it
 * @returns undefined when it cannot be understood
 */
export function aclText(value: Buffer): string | undefined {
  if (value.length < 4 || value.length % 8 !== 4 || value.readUInt32LE(0) !== 2) return undefined
  const entries: string[] = []
  for (let at = 4; at < value.length; at += 8) {
    const tag = TAGS[value.readUInt16LE(at)]
    const [rights, id] = [value.readUInt16LE(at + 2), value.readUInt32LE(at + 4)]
    if (tag === undefined) return undefined
    const letters = `${(rights & 4) === 0 ? '-' : 'r'}${(rights & 2) === 0 ? '-' : 'w'}${(rights & 1) === 0 ? '-' : 'x'}`
    entries.push(`${tag}:${id === NO_ID ? '' : id}:${letters}`)
  }
  return entries.join(',')
}
