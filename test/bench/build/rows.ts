/** One row of the table: what has changed since the build that filled the caches. */
export interface BenchRow {
  readonly id: 'cold' | 'packages' | 'same' | 'script' | 'package'
  readonly label: string
  /** Caches are emptied before. */
  readonly empty: boolean
  /** False switches our step cache off; the others have none. */
  readonly stepCache: boolean
  /** Word in the last script. */
  readonly word: string
  /** Packages beyond those of the benchmark. */
  readonly packages: readonly string[]
}

const unchanged = { empty: false, stepCache: true, word: 'first', packages: [] } as const

/** In the order in which they run: the first fills the caches that the others find. */
export const benchRows: readonly BenchRow[] = [
  { ...unchanged, id: 'cold', label: 'cold', empty: true },
  { ...unchanged, id: 'packages', label: 'warm packages', stepCache: false },
  { ...unchanged, id: 'same', label: 'no change' },
  { ...unchanged, id: 'script', label: 'last script changed', word: 'second' },
  { ...unchanged, id: 'package', label: 'one package added', packages: ['tcpdump'] },
]
