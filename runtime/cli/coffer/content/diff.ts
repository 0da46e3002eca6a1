import { describeError } from '../../../../lib/errors.ts'
import { compareImages, type ImageDifferences } from '../../../../registry/images/diff/compare.ts'
import type { ConfigurationDifference } from '../../../../registry/images/diff/configuration.ts'
import type { DirectorySize } from '../../../../registry/images/diff/sizes.ts'
import { drawTable } from '../../trove/output/table.ts'
import { type ContentOptions, withImage } from './open-word.ts'
import { printJson, printLines, shown, sizeText } from './print.ts'

/** As diff(1) has it. */
const SAME = 0
const DIFFERENT = 1
const TROUBLE = 2

/** `coffer image diff` @returns 0 when the images are the same, 1 when they differ, 2 when that cannot be told */
export async function diff(
  from: string,
  to: string,
  options: ContentOptions & { readonly json: boolean },
): Promise<number> {
  try {
    return await withImage(from, options, (a) =>
      withImage(to, options, async (b) => {
        const differences = compareImages(a.image, b.image)
        if (options.json) await printJson(differences)
        else if (differences.same) await printLines(['The images have the same content.'])
        else await printLines(report(differences, from, to))
        return differences.same ? SAME : DIFFERENT
      }),
    )
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    return TROUBLE
  }
}

function* report(differences: ImageDifferences, from: string, to: string): Generator<string> {
  yield* packageLines(differences.packages)
  yield* fileLines(differences.files)
  if (differences.disk.length > 0) {
    yield 'Disk'
    for (const { what, from: before, to: after } of differences.disk)
      yield `  ~ ${what}: ${shown(before)} -> ${shown(after)}`
    yield ''
  }
  if (differences.configuration.length > 0) {
    yield 'Configuration'
    for (const one of differences.configuration) yield* configurationLines(one, from, to)
    yield ''
  }
  yield sizeTable(differences.sizes)
}

function* packageLines({ added, removed, changed }: ImageDifferences['packages']): Generator<string> {
  if (added.length + removed.length + changed.length === 0) return
  yield `Packages: ${counts(added, removed, changed)}`
  for (const { name, version, architecture } of added)
    yield `  + ${shown(`${name} ${version} ${architecture}`)}`
  for (const { name, version, architecture } of removed)
    yield `  - ${shown(`${name} ${version} ${architecture}`)}`
  for (const { name, from, to, architecture } of changed)
    yield `  ~ ${shown(`${name} ${from} -> ${to} ${architecture}`)}`
  yield ''
}

/** By whom they belong to, those of nobody first. */
function* fileLines({ added, removed, changed }: ImageDifferences['files']): Generator<string> {
  if (added.length + removed.length + changed.length === 0) return
  yield `Files: ${counts(added, removed, changed)}`
  const lines = [
    ...added.map(({ path, owner, type }) => ({ path, owner, text: `+ ${shown(path)}${mark(type)}` })),
    ...removed.map(({ path, owner, type }) => ({ path, owner, text: `- ${shown(path)}${mark(type)}` })),
    ...changed.map(({ path, owner, aspects }) => ({
      path,
      owner,
      text: `~ ${shown(path)}  (${aspects.join(', ')})`,
    })),
  ]
  const groups = Map.groupBy(lines, ({ owner = '' }) => owner)
  for (const owner of [...groups.keys()].toSorted()) {
    yield `  ${owner === '' ? 'of no package' : `of ${shown(owner)}`}:`
    const group = groups.get(owner) ?? []
    for (const { text } of group.toSorted((a, b) => (a.path < b.path ? -1 : 1))) yield `    ${text}`
  }
  yield ''
}

function* configurationLines(one: ConfigurationDifference, from: string, to: string): Generator<string> {
  const path = shown(one.path)
  if (one.lines === undefined) {
    yield `  ${path}: ${WITHHELD[one.withheld ?? 'binary']}`
    return
  }
  yield `--- ${shown(from)}${path}`
  yield `+++ ${shown(to)}${path}`
  for (const line of one.lines) yield line.split('\t').map(shown).join('\t')
  if (one.omitted !== undefined) yield `(${one.omitted} more lines: coffer image cat shows the files)`
}

const WITHHELD = {
  private: 'differs; not shown, as not everybody may read it in the guest',
  binary: 'differs; it is no text',
  large: 'differs; it is too large to show',
}

function sizeTable({ image, directories, total }: ImageDifferences['sizes']): string {
  const row = ({ path, from, to }: DirectorySize) => [
    shown(path),
    sizeText(from),
    sizeText(to),
    `${to < from ? '-' : '+'}${sizeText(Math.abs(to - from))}`,
  ]
  const moved = directories.filter(({ from, to }) => from !== to)
  const rows = [
    ...moved.map(row),
    row({ ...total, path: 'all files' }),
    row({ ...image, path: 'image file' }),
  ]
  return drawTable(['Size of', 'Before', 'After', 'Difference'], rows, ['left', 'right', 'right', 'right'])
}

const counts = (
  added: readonly unknown[],
  removed: readonly unknown[],
  changed: readonly unknown[],
): string => `${added.length} added, ${removed.length} removed, ${changed.length} changed`

const mark = (type: string): string => (type === 'directory' ? '/' : type === 'symlink' ? '@' : '')
