import type { Place } from '../content/resolve.ts'
import { walk } from '../content/walk.ts'
import type { DpkgDatabase } from '../dpkg/database.ts'
import { stepsThatWrote } from '../file-record.ts'
import { type OriginStep, type Recorded, stepsOf } from './steps.ts'

/** Who wrote what is in a directory, most first. */
export interface Below {
  /** Everything in it but directories. */
  readonly files: number
  readonly packages: readonly { readonly name: string; readonly files: number }[]
  /** Files that no package brought. */
  readonly withoutPackage: number
  readonly steps: readonly { readonly step: OriginStep; readonly files: number }[]
}

/** Counts the files below a directory by package and by step of the build. */
export function countBelow(
  directory: Place,
  dpkg: DpkgDatabase | undefined,
  { record, files }: Recorded,
): Below {
  const packages = new Map<string, number>()
  const steps = new Map<number, number>()
  let count = 0
  let withoutPackage = 0
  for (const { path, node } of walk(directory)) {
    if (node.type === 'directory') continue
    count += 1
    const owners = dpkg?.owners(path) ?? []
    if (owners.length === 0) withoutPackage += 1
    for (const { name } of owners) packages.set(name, (packages.get(name) ?? 0) + 1)
    for (const place of files === undefined ? [] : stepsThatWrote(files, path)) {
      steps.set(place, (steps.get(place) ?? 0) + 1)
    }
  }
  return {
    files: count,
    packages: mostFirst(packages).map(([name, number]) => ({ name, files: number })),
    withoutPackage,
    steps: mostFirst(steps).flatMap(([place, number]) =>
      stepsOf([place], record).map((step) => ({ step, files: number })),
    ),
  }
}

const mostFirst = <K>(counts: ReadonlyMap<K, number>): [K, number][] =>
  [...counts].toSorted((a, b) => b[1] - a[1])
