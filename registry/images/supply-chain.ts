import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import { provenanceStatement } from './provenance/slsa.ts'
import { type BuildRecord, recordFiles } from './record.ts'
import { readRecordFile } from './record-directory.ts'
import { cyclonedxDocument } from './sbom/cyclonedx.ts'
import { spdxDocument } from './sbom/spdx.ts'

/** Documents that are made from a record alone, by the names of {@link recordFiles}. */
export type DocumentKind = 'spdx' | 'cyclonedx' | 'provenance'

/**
 * The text of a document about a build: the same record and date give the same text.
 *
 * @param created see {@link documentDate}
 */
export function documentText(kind: DocumentKind, record: BuildRecord, created: Date): string {
  const make = {
    spdx: () => spdxDocument(record, { created }),
    cyclonedx: () => cyclonedxDocument(record, { created }),
    provenance: () => provenanceStatement(record),
  }
  return `${JSON.stringify(make[kind](), undefined, 2)}\n`
}

/**
 * When the documents of a build count as made: the build's own date where it has one, so that equal builds have equal
 * documents; else the time of the newest output file.
 *
 * @param files the output files, as far as they are there; the record's own file where none is
 */
export async function documentDate(record: BuildRecord, files: readonly string[]): Promise<Date> {
  if (record.sourceDate !== undefined) return new Date(record.sourceDate)
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        (error: unknown) => {
          if (isErrno(error, 'ENOENT')) return 0
          throw error
        },
      ),
    ),
  )
  return new Date(Math.max(0, ...times))
}

/**
 * Writes both SBOMs and the provenance into a record's directory. A document that is there stays when it says what the record
 * says, at whatever time; anything else in its place is replaced.
 *
 * @returns names of the files that were written
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function writeDocuments(
  directory: string,
  record: BuildRecord,
  created: Date,
): Promise<readonly string[]> {
  const written: string[] = []
  for (const kind of ['spdx', 'cyclonedx', 'provenance'] as const) {
    const there = (await readRecordFile(directory, recordFiles[kind]))?.toString('utf8')
    if (there !== undefined && there === documentText(kind, record, dateIn(there) ?? created)) continue
    const text = documentText(kind, record, created)
    await writeAtomically(join(directory, recordFiles[kind]), text, 0o644)
    written.push(recordFiles[kind])
  }
  return written
}

/** The time that a document gives itself. */
function dateIn(text: string): Date | undefined {
  const [, time] = /"(?:created|timestamp)": "(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"/.exec(text) ?? []
  const date = new Date(time ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
