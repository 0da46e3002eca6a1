/** Classes of urgency, most urgent first. `unassigned`: Debian has given none of the others. */
export const SEVERITIES = ['high', 'medium', 'unassigned', 'low', 'unimportant'] as const
export type Severity = (typeof SEVERITIES)[number]

/** An issue of a source package in one release, as Debian's security tracker has it. */
export interface TrackedIssue {
  /** `CVE-…`, or `TEMP-…` before it has one. */
  readonly id: string
  readonly description: string
  /** `resolved`: not in `fixed` and later; `undetermined`: nobody knows yet. */
  readonly status: 'resolved' | 'open' | 'undetermined'
  /** `0` for a release that never had it. */
  readonly fixed?: string
  readonly urgency: string
}

/** What the tracker knows of the packages that were asked about. */
export interface TrackerData {
  /** Issues by source package; a package that the tracker knows has an entry, if only an empty one. */
  readonly issues: ReadonlyMap<string, readonly TrackedIssue[]>
  /** Whether any entry names the release. */
  readonly hasRelease: boolean
}
