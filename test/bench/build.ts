// One table: our build beside real DIB's and bare mmdebstrap's, same release, same packages, same last script, in one run on
// this machine.
//
//   tools/node test/bench/build.ts [--rounds 1] [--only dib,coffer,floor] [--rows cold,packages,same,script,package]
//
// Needs root, a package mirror, python3-diskimage-builder, debootstrap, mmdebstrap and GNU time. How each side is run:
//   dib      real disk-image-create with its own elements; on machines without device-mapper, kpartx is replaced by
//            test/fixtures/dib-host/bin (loop devices by offset), which is not slower than kpartx itself
//   coffer   our disk-image-create with our elements and the layout that boots under BIOS and UEFI
//   floor    mmdebstrap with the same package list into a directory, mkfs.ext4 -d, qemu-img convert -c
// What each row changes is in build/rows.ts. The mirror is the host's own in all cases.
import { mkdir, mkdtemp } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { removeTree } from '../../lib/tree.ts'
import { measure } from './build/measure.ts'
import { benchRows } from './build/rows.ts'
import { benchSides } from './build/sides.ts'
import { figuresTable, medians, type Result, targetsTable } from './build/table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, only: { type: 'string' }, rows: { type: 'string' } },
})
const rounds = Number(values.rounds ?? positionals[0] ?? '1')
const sides = chosen(
  '--only',
  values.only,
  benchSides.map(({ name }) => name),
)
const rows = chosen(
  '--rows',
  values.rows,
  benchRows.map(({ id }) => id),
)

const results: Result[] = []
for (let round = 0; round < rounds; round++) {
  const directory = await mkdtemp('/tmp/coffer-bench.')
  try {
    await playRound(directory)
  } finally {
    await removeTree(directory)
  }
}
const table = medians(results)
process.stdout.write(`${figuresTable(table)}\n${targetsTable(table)}`)

/** All rows once, the sides in turn. */
async function playRound(directory: string): Promise<void> {
  for (const row of benchRows) {
    for (const side of benchSides.filter(({ name }) => sides.includes(name))) {
      const wanted = rows.includes(row.id)
      // The other rows find what this one leaves.
      const prepares = row.empty && side.keepsState
      if (!wanted && !prepares) continue
      const own = `${directory}/${side.name}`
      await mkdir(own, { recursive: true })
      process.stderr.write(`${row.label}, ${side.name} … `)
      const figures = await measure(own, await side.command(own, row))
      process.stderr.write(`${figures.wall.toFixed(1)} s\n`)
      if (wanted) results.push({ row: row.label, side: side.name, ...figures })
    }
  }
}

function chosen(option: string, given: string | undefined, all: readonly string[]): readonly string[] {
  const names = given?.split(',') ?? all
  const unknown = names.find((name) => !all.includes(name))
  if (unknown === undefined) return names
  process.stderr.write(`${option} takes ${all.join(', ')}, separated by commas, not '${unknown}'\n`)
  process.exit(2)
}
