/** A line of a comparison: in both texts, only in the first, or only in the second. */
interface Step {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** Lines shown around what differs, as diff -u has it. */
const CONTEXT = 3
/** Texts that differ in more lines are shown as replaced whole: the search would take its square in memory. */
const MAX_EDITS = 1000
const NO_NEWLINE = '\\ No newline at end of file'

/**
 * The difference between two texts as `diff -u` prints it, without the two lines of file names. Empty for equal texts.
 *
 * Made here and not by diff(1), which wants files: nothing of an image is written to this machine's disk.
 */
export function unifiedDiff(from: string, to: string): readonly string[] {
  const [a, b] = [linesOf(from), linesOf(to)]
  return hunks(editScript(a, b))
}

/** Lines without their newline; a last line that has none is marked. */
function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else lines.push(`${lines.pop()}\n${NO_NEWLINE}`)
  return lines
}

/** Myers, "An O(ND) Difference Algorithm" (1986), between what both texts begin and end with. */
function editScript(a: readonly string[], b: readonly string[]): Step[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let tail = 0
  while (tail < Math.min(a.length, b.length) - start && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const [left, right] = [a.slice(start, a.length - tail), b.slice(start, b.length - tail)]
  const same = (lines: readonly string[]): Step[] => lines.map((line) => ({ sign: ' ', line }))
  return [
    ...same(a.slice(0, start)),
    ...(shortest(left, right) ?? replaced(left, right)),
    ...same(a.slice(a.length - tail)),
  ]
}

const replaced = (a: readonly string[], b: readonly string[]): Step[] => [
  ...a.map((line): Step => ({ sign: '-', line })),
  ...b.map((line): Step => ({ sign: '+', line })),
]

function shortest(a: readonly string[], b: readonly string[]): Step[] | undefined {
  const limit = Math.min(a.length + b.length, MAX_EDITS)
  /** For each number of edits: how far into `a` one comes on each diagonal. */
  const rounds: Map<number, number>[] = []
  let furthest = new Map<number, number>([[1, 0]])
  for (let edits = 0; edits <= limit; edits++) {
    rounds.push(furthest)
    const now = new Map(furthest)
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down = goesDown(furthest, diagonal, edits)
      let x = down ? (furthest.get(diagonal + 1) ?? 0) : (furthest.get(diagonal - 1) ?? 0) + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++
      now.set(diagonal, x)
      if (x >= a.length && x - diagonal >= b.length) return backwards(a, b, rounds)
    }
    furthest = now
  }
  return undefined
}

function goesDown(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true
  return diagonal !== edits && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1)
}

/** The way that led to the end, from the end. */
function backwards(
  a: readonly string[],
  b: readonly string[],
  rounds: readonly Map<number, number>[],
): Step[] {
  const steps: Step[] = []
  let [x, y] = [a.length, b.length]
  for (let edits = rounds.length - 1; edits >= 0; edits--) {
    const furthest = rounds[edits] ?? new Map<number, number>()
    const diagonal = x - y
    const down = goesDown(furthest, diagonal, edits)
    const beforeX = furthest.get(down ? diagonal + 1 : diagonal - 1) ?? 0
    const beforeY = beforeX - (down ? diagonal + 1 : diagonal - 1)
    while (x > beforeX && y > beforeY && x > 0 && y > 0) {
      steps.push({ sign: ' ', line: a[x - 1] ?? '' })
      x--
      y--
    }
    if (edits === 0) break
    steps.push(down ? { sign: '+', line: b[y - 1] ?? '' } : { sign: '-', line: a[x - 1] ?? '' })
    if (down) y--
    else x--
  }
  return steps.reverse()
}

/** Groups of differing lines with their surroundings, each under its `@@` line. */
function hunks(steps: readonly Step[]): string[] {
  const differing = steps.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]))
  const groups: { from: number; to: number }[] = []
  for (const at of differing) {
    const last = groups.at(-1)
    if (last !== undefined && at - last.to <= 2 * CONTEXT) last.to = at + 1
    else groups.push({ from: at, to: at + 1 })
  }
  return groups.flatMap(({ from, to }) => {
    const first = Math.max(0, from - CONTEXT)
    const shown = steps.slice(first, to + CONTEXT)
    const range = (other: '+' | '-') => {
      const before = steps.slice(0, first).filter(({ sign }) => sign !== other).length
      const count = shown.filter(({ sign }) => sign !== other).length
      const start = count === 0 ? before : before + 1
      return count === 1 ? `${start}` : `${start},${count}`
    }
    return [
      `@@ -${range('+')} +${range('-')} @@`,
      ...shown.flatMap(({ sign, line }) => `${sign}${line}`.split('\n')),
    ]
  })
}
