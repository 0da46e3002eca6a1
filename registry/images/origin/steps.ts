import type { BuildRecord, FileRecord, RecordedStep } from '../record.ts'

/** What a build left beside its image. */
export interface Recorded {
  readonly record?: BuildRecord
  readonly files?: FileRecord
}

/** A step of the build that wrote a path. */
export interface OriginStep extends RecordedStep {
  /** Place in the record's steps, from 0. */
  readonly place: number
}

/** The recorded steps of such places; places that the record does not have are left out. */
export function stepsOf(places: readonly number[], record: BuildRecord | undefined): OriginStep[] {
  return places.flatMap((place) => {
    const step = record?.steps[place]
    return step === undefined ? [] : [{ place, ...step }]
  })
}
