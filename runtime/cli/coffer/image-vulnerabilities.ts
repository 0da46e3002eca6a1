import { describeError } from '../../../lib/errors.ts'
import { printableLine } from '../../../lib/printable.ts'
import { type Assessment, assess, installedSources } from '../../../registry/images/vulnerabilities/assess.ts'
import {
  installedInImage,
  installedOfRecord,
  releaseOf,
} from '../../../registry/images/vulnerabilities/installed.ts'
import { readTracker } from '../../../registry/images/vulnerabilities/tracker.ts'
import { SEVERITIES, type Severity } from '../../../registry/images/vulnerabilities/types.ts'
import { drawTable } from '../trove/output/table.ts'
import { namedImage, recordOf } from './named-image.ts'

/** As with grep(1): found, not found, could not look. */
const STATUS = { clean: 0, open: 1, trouble: 2 } as const

export interface VulnerabilityOptions {
  /** File with the data of Debian's security tracker. */
  readonly data: string
  readonly severity?: readonly Severity[]
  readonly release?: string
  readonly json?: true
}

/** `coffer image vuln`: whatever keeps it from an answer has a status of its own, so that no gate takes it for one. */
export async function reportVulnerabilities(
  stateDir: string | undefined,
  word: string,
  options: VulnerabilityOptions,
): Promise<number> {
  try {
    const image = await namedImage(stateDir, word)
    const record = await recordOf(image)
    const installed =
      record === undefined ? installedInImage(image.file, image.format) : installedOfRecord(record)
    const release = releaseOf(installed, options.release)
    const sources = installedSources(installed.packages)
    const data = await readTracker(options.data, new Set(sources.map(({ name }) => name)), release)
    const severities = new Set(options.severity ?? SEVERITIES.filter((one) => one !== 'unimportant'))
    const found = assess(sources, data, { release, severities })
    const text =
      options.json === true
        ? JSON.stringify({ image: image.name, ...found }, undefined, 2)
        : report(found, sources.length)
    process.stdout.write(`${text}\n`)
    return found.open.length === 0 ? STATUS.clean : STATUS.open
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    return STATUS.trouble
  }
}

function report({ release, open, undetermined, unknown }: Assessment, sources: number): string {
  const rows = open.map(({ id, source, installed, fixed, urgency }) =>
    [id, source, installed, fixed ?? '', urgency].map(printableLine),
  )
  const affected = new Set(open.map(({ source }) => source)).size
  return [
    ...(rows.length === 0 ? [] : [drawTable(['CVE', 'Package', 'Installed', 'Fixed', 'Urgency'], rows)]),
    `${open.length} open in ${affected} of ${sources} source packages (${release}), ${open.filter(({ fixed }) => fixed !== undefined).length} of them fixed in a later version.`,
    ...(undetermined === 0
      ? []
      : [`${undetermined} more are undetermined: nobody has looked into them yet.`]),
    ...(unknown.length === 0 ? [] : [`Not in the data: ${unknown.map(printableLine).join(', ')}.`]),
  ].join('\n')
}
