import type { Figures } from './measure.ts'

/** A build's figures, with its row and side. */
export interface Result extends Figures {
  readonly row: string
  readonly side: string
}

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** One result for each row and side, in the order of their first: the median of each figure by itself. */
export function medians(all: readonly Result[]): Result[] {
  const groups = Map.groupBy(all, ({ row, side }) => `${row}, ${side}`)
  return [...groups.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const of = (figure: keyof Figures) => middle(same.map((result) => result[figure]))
    return [
      {
        ...{ row: first.row, side: first.side },
        ...{ wall: of('wall'), cpu: of('cpu'), imageMiB: of('imageMiB') },
        ...{ processMiB: of('processMiB'), totalMiB: of('totalMiB') },
      },
    ]
  })
}

/** The table of all figures, in Markdown. */
export function figuresTable(results: readonly Result[]): string {
  const whole = (value: number) => (Number.isNaN(value) ? '?' : value.toFixed(0))
  return markdown(
    ['build', 'wall s', 'CPU s', 'largest process MiB', 'all and tmpfs MiB', 'image MiB'],
    results.map((result) => [
      `${result.row}, ${result.side}`,
      ...[result.wall.toFixed(1), result.cpu.toFixed(1)],
      ...[whole(result.processMiB), whole(result.totalMiB), whole(result.imageMiB)],
    ]),
  )
}

/** What the project wants, and what came out, as far as the rows are there. */
export function targetsTable(results: readonly Result[]): string {
  const of = (row: string, side: string) =>
    results.find((result) => result.row === row && result.side === side)
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a / b
  const cold = of('cold', 'coffer')
  const targets: readonly (readonly [string, number, number | undefined])[] = [
    ['no change, wall s', 2, of('no change', 'coffer')?.wall],
    [
      'last script changed, wall as part of cold',
      0.1,
      ratio(of('last script changed', 'coffer')?.wall, cold?.wall),
    ],
    ["image, as part of DIB's", 0.6, ratio(cold?.imageMiB, of('cold', 'dib')?.imageMiB)],
    ["cold, wall as part of DIB's", 1, ratio(cold?.wall, of('cold', 'dib')?.wall)],
  ]
  return markdown(
    ['target', 'at most', 'measured', 'met'],
    targets.flatMap(([what, limit, value]) =>
      value === undefined ? [] : [[what, `${limit}`, value.toFixed(2), value <= limit ? 'yes' : 'no']],
    ),
  )
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = line(head.map((_, at) => (at === 0 ? '---' : '---:')))
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`
}
