import { createHash } from 'node:crypto'
import { list } from 'tar'

/** What a tar archive says of one member; contents as a digest. */
export interface Member {
  readonly type: string
  readonly mode: string
  readonly owner: string
  readonly link: string
  readonly content: string
}

/** Every member of a tar archive by name. */
export async function tarMembers(file: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>()
  await list({
    file,
    noResume: true,
    onReadEntry(entry) {
      const hash = createHash('sha256')
      entry.on('data', (chunk: Buffer) => hash.update(chunk))
      entry.on('end', () => {
        members.set(entry.path.replace(/\/$/, ''), {
          type: entry.type,
          mode: (entry.mode ?? 0).toString(8),
          owner: `${entry.uid}:${entry.gid}`,
          link: entry.linkpath ?? '',
          content: hash.digest('hex'),
        })
      })
    },
  })
  nameHardLinks(members)
  return members
}

/** Which name of a file with several is the file and which are links depends on the order of reading: make them equal. */
function nameHardLinks(members: Map<string, Member>): void {
  const groups = new Map<string, string[]>()
  for (const [name, member] of members) {
    if (member.type !== 'Link') continue
    groups.set(member.link, [...(groups.get(member.link) ?? [member.link]), name])
  }
  for (const [file, names] of groups) {
    const original = members.get(file)
    if (original === undefined) continue
    const link = `one file: ${names.sort().join(' ')}`
    for (const name of names) members.set(name, { ...original, link })
  }
}

/** The names at which two archives differ, each with what differs. */
export function memberDifferences(
  a: ReadonlyMap<string, Member>,
  b: ReadonlyMap<string, Member>,
): Map<string, string> {
  const differences = new Map<string, string>()
  for (const name of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [left, right] = [a.get(name), b.get(name)]
    if (left === undefined || right === undefined) {
      differences.set(name, left === undefined ? 'only in the second' : 'only in the first')
      continue
    }
    const fields = (['type', 'mode', 'owner', 'link', 'content'] as const).filter(
      (field) => left[field] !== right[field],
    )
    if (fields.length > 0)
      differences.set(
        name,
        fields.map((field) => `${field} ${left[field].slice(0, 60)} ${right[field].slice(0, 60)}`).join(', '),
      )
  }
  return differences
}
