import type { IdRange } from '../../lib/user-namespace.ts'

interface Entry extends IdRange {
  readonly owner: string
}

/** Where Debian's useradd begins to give out ranges, and how many ids it gives (login.defs(5), SUB_UID_MIN, SUB_UID_COUNT). */
const FIRST = 100_000
const BLOCK = 65_536

/** The lines `OWNER:START:COUNT` of a text in the format of subuid(5); what is no such line is skipped, as the tools do. */
function entriesOf(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const [, owner, start, count] = /^([^:#]+):(\d+):(\d+)$/.exec(line.trim()) ?? []
    return owner === undefined ? [] : [{ owner, start: Number(start), count: Number(count) }]
  })
}

/** The ranges of a user, who may stand there by name or by id, in the order of the file. */
export function idRangesOf(
  text: string,
  { user, uid }: { readonly user: string; readonly uid: number },
): IdRange[] {
  return entriesOf(text)
    .filter(({ owner }) => owner === user || owner === String(uid))
    .map(({ start, count }) => ({ start, count }))
}

/** The start of a block that is free in all the files, after every range there is, where useradd would put it. */
export function nextFreeId(texts: readonly string[]): number {
  const ends = texts.flatMap(entriesOf).map(({ start, count }) => start + count)
  const blocks = Math.ceil((Math.max(FIRST, ...ends) - FIRST) / BLOCK)
  return FIRST + blocks * BLOCK
}
