import { compareDebianVersions } from '../../../lib/debian-version.ts'
import { CofferError } from '../../../lib/errors.ts'
import type { ImagePackage } from '../manifest.ts'
import { trackedSource } from './tracked-source.ts'
import { SEVERITIES, type Severity, type TrackerData } from './types.ts'

/** An issue that a package of the image has. */
export interface OpenIssue {
  readonly id: string
  /** Name of the source package, and the binary packages of it that are installed. */
  readonly source: string
  readonly packages: readonly string[]
  readonly installed: string
  /** The first version without it, where there is one. */
  readonly fixed?: string
  readonly urgency: string
  readonly description: string
}

/** What the tracker's data say about an image. */
export interface Assessment {
  readonly release: string
  /** Most urgent first, then by package. */
  readonly open: readonly OpenIssue[]
  /** Issues that nobody has looked into yet. */
  readonly undetermined: number
  /** Source packages that the data do not know: of other repositories, or of our own. Nothing is said of them. */
  readonly unknown: readonly string[]
}

/** A package, with its source where that differs. */
export interface BinaryPackage extends ImagePackage {
  readonly source?: string
  readonly sourceVersion?: string
}

/** A source package with what of it is installed. */
export interface InstalledSource {
  readonly name: string
  readonly version: string
  readonly packages: readonly string[]
}

/** Nothing that dpkg takes is longer. It also keeps comparisons short. */
const MAX_VERSION = 256

/** The source packages behind an image's packages, as the tracker names them; one with two versions is there twice. */
export function installedSources(packages: readonly BinaryPackage[]): readonly InstalledSource[] {
  const found = packages.map(({ name, version, source = name, sourceVersion = version }) => ({
    ...trackedSource(source, sourceVersion.slice(0, MAX_VERSION)),
    binary: name,
  }))
  return [...Map.groupBy(found, ({ name, version }) => JSON.stringify([name, version])).values()].flatMap(
    (list) =>
      list.slice(0, 1).map(({ name, version }) => ({
        name,
        version,
        packages: list.map(({ binary }) => binary).sort(),
      })),
  )
}

/**
 * Compares an image's source packages with the tracker's data: an issue is open when the release has no fix, or the fix came
 * in a version later than the installed one.
 *
 * @param severities issues of other classes are left out
 * @throws CofferError VULNERABILITY_DATA_UNFIT when the data know none of the packages in that release
 */
export function assess(
  sources: readonly InstalledSource[],
  data: TrackerData,
  { release, severities }: { readonly release: string; readonly severities: ReadonlySet<Severity> },
): Assessment {
  if (!data.hasRelease) {
    throw new CofferError(
      'VULNERABILITY_DATA_UNFIT',
      `The data know no issue of the image's packages in the release ${release}`,
      { hint: "They are Debian's: for images of Debian. --release names another release." },
    )
  }
  const open: OpenIssue[] = []
  let undetermined = 0
  for (const { name, version, packages } of sources) {
    for (const { status, ...issue } of data.issues.get(name) ?? []) {
      if (!severities.has(severityOf(issue.urgency))) continue
      if (status === 'undetermined') undetermined++
      else if (status === 'open' || compareDebianVersions(version, issue.fixed ?? '0') < 0) {
        open.push({ ...issue, source: name, packages, installed: version })
      }
    }
  }
  return {
    release,
    open: open.sort(
      (a, b) =>
        SEVERITIES.indexOf(severityOf(a.urgency)) - SEVERITIES.indexOf(severityOf(b.urgency)) ||
        a.source.localeCompare(b.source, 'en') ||
        a.id.localeCompare(b.id, 'en', { numeric: true }),
    ),
    undetermined,
    unknown: [...new Set(sources.map(({ name }) => name).filter((name) => !data.issues.has(name)))].sort(),
  }
}

/** `not yet assigned`, `end-of-life` and words of other times are no class of their own. */
const severityOf = (urgency: string): Severity => SEVERITIES.find((one) => one === urgency) ?? 'unassigned'
