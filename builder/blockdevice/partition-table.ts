import { run } from '../../lib/exec.ts'
import { configError } from './errors.ts'
import type { PartitionLayout, TableLayout } from './layout-types.ts'

/**
 * The sfdisk script of a table: every start and size in sectors, so that sfdisk has nothing to decide.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID` for a GPT name that cannot be written.
 */
export function sfdiskScript(table: TableLayout): string {
  const gpt = table.label === 'gpt'
  return [
    `label: ${gpt ? 'gpt' : 'dos'}`,
    `label-id: ${gpt ? table.id : `0x${table.id}`}`,
    'unit: sectors',
    '',
    ...table.partitions.map((partition) => scriptLine(partition, gpt)),
    '',
  ].join('\n')
}

function scriptLine(partition: PartitionLayout, gpt: boolean): string {
  const fields = [
    `start=${partition.startSector}`,
    `size=${partition.sizeSectors}`,
    `type=${partition.typeId}`,
    ...(partition.bootable ? ['bootable'] : []),
    ...(gpt && partition.uuid !== undefined ? [`uuid=${partition.uuid}`] : []),
    ...(gpt && partition.name !== undefined ? [`name="${gptName(partition.name)}"`] : []),
  ]
  return `${partition.number} : ${fields.join(', ')}`
}

/** GPT names are 36 UTF-16 units; longer ones are cut, as sgdisk does. */
function gptName(name: string): string {
  if (/["\\\p{Cc}]/u.test(name)) {
    throw configError(`The partition name [${name}] holds a quote, a backslash or a control character`)
  }
  return name.slice(0, 36)
}

/** Writes a partition table to an image file or a block device, in place of whatever table is there. */
export async function writePartitionTable(
  table: TableLayout,
  target: { readonly name: string; readonly cwd?: string },
): Promise<void> {
  await run(
    [
      'sfdisk',
      '--quiet',
      '--no-reread',
      '--no-tell-kernel',
      '--wipe',
      'always',
      '--wipe-partitions',
      'always',
      target.name,
    ],
    {
      input: sfdiskScript(table),
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      ...(target.cwd === undefined ? {} : { cwd: target.cwd }),
    },
  )
}
