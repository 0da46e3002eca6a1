import { type Inspection, inspectImage } from '../../../../registry/images/facts/inspection.ts'
import { wrap } from '../../trove/arguments/wrap.ts'
import { drawTable } from '../../trove/output/table.ts'
import { type ContentOptions, recordOf, withImage } from './open-word.ts'
import { note, printJson, printLines, shown, sizeText } from './print.ts'

/** Characters of a value on one line. */
const VALUE_WIDTH = 72

/** `coffer image inspect` */
export function inspect(word: string, options: ContentOptions & { readonly json: boolean }): Promise<number> {
  return withImage(word, options, async (named) => {
    const { manifest } = named
    const { record, note: warning } = await recordOf(named, { files: false })
    const facts = inspectImage(named.image, {
      ...(record === undefined ? {} : { record }),
      ...(manifest === undefined ? {} : { manifest }),
    })
    if (warning !== undefined) note(warning)
    if (options.json) await printJson(facts)
    else {
      await printLines(report(facts))
      for (const text of facts.notes) note(text)
    }
    return 0
  })
}

function report(facts: Inspection): string[] {
  const rows = properties(facts).filter(([, value]) => value !== undefined)
  const general = drawTable(
    ['Property', 'Value'],
    rows.map(([name, value]) => [name, wrap(shown(String(value)), VALUE_WIDTH).join('\n')]),
  )
  return facts.partitions.length === 0 ? [general] : [general, partitionTable(facts)]
}

function properties(facts: Inspection): [string, string | number | undefined][] {
  const { virtualSize, fileSystem, os, engine, kernels } = facts
  return [
    ['format', facts.format],
    ['file size', exact(facts.fileSize)],
    ['virtual size', virtualSize === undefined ? undefined : exact(virtualSize)],
    ['partition table', facts.partitionTable],
    [
      'file system',
      fileSystem === undefined ? undefined : [fileSystem.type, fileSystem.label, fileSystem.uuid].join(' '),
    ],
    ['operating system', os?.name],
    ['architecture', facts.architecture],
    ...kernels.map(({ release, image }): [string, string] => [
      'kernel',
      image === undefined ? `${release} (modules only)` : release,
    ]),
    ['datastore', engine?.datastore],
    ['engine', engine === undefined ? undefined : engineText(engine)],
    ['guest agent', facts.agentVersion],
    ['node', facts.nodeVersion],
    ['packages', facts.packages],
    ['elements', facts.elements?.join(' ')],
    ['built by', facts.builderVersion === undefined ? undefined : `coffer ${facts.builderVersion}`],
    ['source date', facts.sourceDate],
  ]
}

function engineText({ version, unit, port, data }: NonNullable<Inspection['engine']>): string {
  return [version, unit, port === undefined ? undefined : `port ${port}`, data]
    .filter((part) => part !== undefined)
    .join(', ')
}

function partitionTable({ partitions }: Inspection): string {
  const rows = partitions.map(({ number, typeName, name = '', size, fileSystem }) => {
    const { type = '', label = '', uuid = '', used } = fileSystem ?? {}
    return [
      String(number),
      typeName,
      name,
      sizeText(size),
      type,
      label,
      uuid,
      used === undefined ? '' : sizeText(used),
    ]
  })
  return drawTable(
    ['Partition', 'Type', 'Name', 'Size', 'File system', 'Label', 'UUID', 'Used'],
    rows.map((row) => row.map(shown)),
    ['right', 'left', 'left', 'right', 'left', 'left', 'left', 'right'],
  )
}

const exact = (bytes: number): string => `${sizeText(bytes)} (${bytes} bytes)`
