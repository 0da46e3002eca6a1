import { createReadStream } from 'node:fs'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { jsonMembers } from '../../../lib/json-members.ts'
import type { TrackedIssue, TrackerData } from './types.ts'

/** The kernel's entry, the largest, has some 10 MB. */
const MAX_ENTRY_BYTES = 64 << 20
const MAX_VERSION = 256
const STATUSES = ['resolved', 'open', 'undetermined'] as const

/**
 * Reads the JSON data of Debian's security tracker:
 * `{package: {CVE: {description, releases: {RELEASE: {status, fixed_version, urgency}}}}}`. The file has some 80 MB; what is
 * held is one package's entry and what is asked about.
 *
 * @param sources names of source packages
 * @param release codename
 * @throws CofferError VULNERABILITY_DATA_UNREADABLE, VULNERABILITY_DATA_BROKEN
 */
export async function readTracker(
  file: string,
  sources: ReadonlySet<string>,
  release: string,
): Promise<TrackerData> {
  const issues = new Map<string, readonly TrackedIssue[]>()
  let hasRelease = false
  try {
    const chunks = createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    const wanted = (name: string) => sources.has(name)
    for await (const { name, text } of jsonMembers(chunks, { wanted, maxBytes: MAX_ENTRY_BYTES })) {
      const entries = membersOf(JSON.parse(text), name).map(([id, issue]) =>
        issueOf(name, id, issue, release),
      )
      const there = entries.filter((issue) => issue !== undefined)
      if (there.length > 0) hasRelease = true
      issues.set(name, [...(issues.get(name) ?? []), ...there])
    }
  } catch (error) {
    throw explained(file, error)
  }
  return { issues, hasRelease }
}

/** @returns undefined for an issue that the release does not have */
function issueOf(name: string, id: string, issue: unknown, release: string): TrackedIssue | undefined {
  const where = `${name}, ${id}`
  if (!/^[A-Z]+-[0-9A-Za-z-]{1,60}$/.test(id)) throw new SyntaxError(`${where}: this is the id of no issue`)
  const fields = new Map(membersOf(issue, where))
  const releases = new Map(membersOf(fields.get('releases') ?? {}, where))
  if (!releases.has(release)) return undefined
  const found = new Map(membersOf(releases.get(release), where))
  const status = STATUSES.find((one) => one === found.get('status'))
  const fixed = found.get('fixed_version')
  const urgency = found.get('urgency')
  const description = fields.get('description')
  if (status === undefined) throw new SyntaxError(`${where}: the status is none of ${STATUSES.join(', ')}`)
  if (fixed !== undefined && (typeof fixed !== 'string' || fixed.length > MAX_VERSION)) {
    throw new SyntaxError(`${where}: the fixed version is no version`)
  }
  if (status === 'resolved' && fixed === undefined) {
    throw new SyntaxError(`${where}: it is resolved, but in no version`)
  }
  return {
    id,
    description: typeof description === 'string' ? description.slice(0, 1000) : '',
    status,
    ...(fixed === undefined ? {} : { fixed }),
    // Asterisks once marked urgencies that nobody at Debian had looked at.
    urgency: typeof urgency === 'string' ? urgency.replace(/\*+$/, '').slice(0, 40) : 'not yet assigned',
  }
}

function membersOf(value: unknown, where: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value)
  throw new SyntaxError(`${where}: an object should stand here`)
}

function explained(file: string, error: unknown): unknown {
  if (error instanceof SyntaxError) {
    return new CofferError(
      'VULNERABILITY_DATA_BROKEN',
      `${file} is not the JSON data of Debian's security tracker: ${error.message}`,
      { hint: 'Download it again, whole: the address is in docs/guide/supply-chain.md.', cause: error },
    )
  }
  if (!isErrno(error)) return error
  return new CofferError('VULNERABILITY_DATA_UNREADABLE', `The data ${file} cannot be read: ${error.code}`, {
    hint: 'Name the file with --data.',
    cause: error,
  })
}
