import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { CleanupStack } from '../../lib/cleanup.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Environment } from '../../lib/exec.ts'
import type { Log } from '../../lib/log.ts'
import { checksumsOf } from './checksums.ts'
import { finishOutput } from './finish.ts'
import { knownOptions, splitOptions } from './formats/qemu-img.ts'
import { formatOf } from './formats.ts'
import type { ClusterReuse } from './qcow2-write.ts'
import type { Output, OutputFormat, RawFormat, TreeFormat } from './types.ts'

/** Options of {@link treeOutputs} and {@link rawOutputs}. */
export interface OutputOptions {
  /** All types asked for: each function makes those that are its own. */
  readonly types: readonly string[]
  /** Output path without suffix, as the user wrote it. */
  readonly imageName: string
  readonly log: Log
  /** True replaces an older image instead of keeping it under a time stamp. Default false. */
  readonly overwrite?: boolean
  /** `DIB_CHECKSUM`: `1` for both, `md5`, `sha256`. Default: none. */
  readonly checksum?: string
  /** Who shall own the files. Default: the caller of sudo, else whoever runs this (see {@link callerOf}). */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** File mode creation mask for the outputs. Default: this process's own. */
  readonly umask?: number
  /** Processors to use. Default: all. */
  readonly cores?: number
  /** Seconds since 1970: nothing in an archive is dated later. Default: times as they are. */
  readonly sourceDate?: number | undefined
  /** Gets a release for every unfinished file, for as long as it is unfinished. */
  readonly cleanup?: CleanupStack
  /** An abort ends the running conversion. */
  readonly signal?: AbortSignal
  /** Called for every output once it is in place. */
  readonly onOutput?: (output: Output) => void
  /** Where `DIB_GZIP_BIN`, `ACI_MANIFEST`, `SUDO_UID` and `SUDO_GID` are read from. Default: this process's own. */
  readonly env?: Environment
  readonly clock?: Clock
}

/**
 * Makes the outputs that come from the root tree (DIB contract §1.1 step 30), in the order asked for.
 *
 * @throws CofferError of the program that failed; no unfinished file is left then
 */
export async function treeOutputs(
  options: OutputOptions & { readonly tree: string; readonly dockerTarget?: string },
): Promise<Output[]> {
  const formats = options.types.map(formatOf).filter((format): format is TreeFormat => format.from === 'tree')
  const replaced = new Set(formats.flatMap((format) => format.replaces ?? []))
  const { dockerTarget } = options
  const made: Output[] = []
  for (const format of formats.filter(({ name }) => !replaced.has(name))) {
    const write = (target: string) =>
      format.write({
        ...jobOf(options, target),
        tree: options.tree,
        ...(dockerTarget === undefined ? {} : { dockerTarget }),
      })
    made.push(...(await produce(format, options, write)))
  }
  return made
}

/**
 * Makes the outputs that come from the raw image (DIB contract §1.1 step 32), in the order asked for, except that a
 * format that uses up the raw image comes last. Otherwise the raw image stays where it is.
 *
 * @throws CofferError of the program that failed; no unfinished file is left then
 */
export async function rawOutputs(
  options: OutputOptions & {
    readonly rawPath: string
    /** False is `-u`. Default true. */
    readonly compress?: boolean
    /** Lets equal parts of qcow2 images be compressed once. */
    readonly reuse?: ClusterReuse | undefined
    /** Text for `qemu-img convert -o`, for every format of qemu-img's that knows the option. */
    readonly qemuImgOptions?: string
  },
): Promise<Output[]> {
  const formats = options.types.map(formatOf).filter((format): format is RawFormat => format.from === 'raw')
  const ordered = [...formats.filter((f) => !f.consumesRaw), ...formats.filter((f) => f.consumesRaw)]
  const made: Output[] = []
  for (const format of ordered) {
    const qemuImgOptions = await optionsFor(format, formats, options.qemuImgOptions ?? '')
    const write = (target: string) =>
      format.write({
        ...jobOf(options, target),
        rawPath: resolve(options.rawPath),
        compress: options.compress ?? true,
        reuse: options.reuse,
        qemuImgOptions,
      })
    made.push(...(await produce(format, options, write)))
  }
  return made
}

/**
 * Every file that may be unfinished while outputs are made, as absolute paths: what to delete after a build was killed.
 */
export function partialOutputs(types: readonly string[], imageName: string): string[] {
  return types.flatMap((type) => {
    const path = resolve(placeOf(formatOf(type), imageName))
    return [`${path}-new`, `${path}.md5-new`, `${path}.sha256-new`]
  })
}

/** The person behind sudo, who shall own the files; undefined when there is none, it is root, or we are not. */
export function callerOf(
  env: Environment,
  own: number | undefined = process.getuid?.(),
): { uid: number; gid: number } | undefined {
  if (own !== 0) return undefined
  const [uid, gid] = [env.SUDO_UID ?? '', env.SUDO_GID ?? '']
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid) || Number(uid) === 0) return undefined
  return { uid: Number(uid), gid: Number(gid) }
}

function placeOf(format: OutputFormat, imageName: string): string {
  return `${imageName}.${format.suffix ?? format.name}`
}

function jobOf(options: OutputOptions, target: string) {
  return {
    target,
    env: options.env ?? process.env,
    log: options.log,
    cores: options.cores ?? availableParallelism(),
    ...(options.umask === undefined ? {} : { umask: options.umask }),
    sourceDate: options.sourceDate,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
}

/**
 * Writes one output under another name and puts it in its place (DIB contract §5).
 *
 * @param write gets the name to write under
 */
export async function produce(
  format: OutputFormat,
  options: OutputOptions,
  write: (target: string) => Promise<void>,
): Promise<Output[]> {
  const path = placeOf(format, options.imageName)
  const partial = partialOutputs([format.name], options.imageName)
  const discard = async () => {
    for (const file of partial) await rm(file, { force: true })
  }
  const settled = options.cleanup?.defer(`unfinished ${path}`, discard)
  const owner = options.owner ?? callerOf(options.env ?? process.env)
  const umask = options.umask === undefined ? undefined : process.umask(options.umask)
  try {
    // A file left by an earlier run, or a link put in its place, must not be written through.
    await discard()
    await write(resolve(`${path}-new`))
    if (format.suffix === undefined) return []
    const output = await finishOutput(format, path, {
      log: options.log,
      checksums: checksumsOf(options.checksum),
      overwrite: options.overwrite ?? false,
      ...(owner === undefined ? {} : { owner }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    options.onOutput?.(output)
    return [output]
  } finally {
    if (umask !== undefined) process.umask(umask)
    await discard()
    settled?.()
  }
}

/**
 * The part of the `-o` text meant for one format: with several formats, an option that only another one knows is left
 * out, so that `-t qcow2,vmdk` can ask for a qcow2 option. What none knows stays in, for qemu-img to refuse.
 */
async function optionsFor(format: RawFormat, all: readonly RawFormat[], text: string): Promise<string> {
  const others = all.filter((other) => other.name !== format.name && !other.consumesRaw)
  if (text === '' || others.length === 0 || format.consumesRaw) return text
  const own = await knownOptions(format.name)
  const foreign = await Promise.all(others.map((other) => knownOptions(other.name)))
  return splitOptions(text)
    .filter((option) => {
      const key = option.split('=')[0] ?? ''
      return own?.has(key) === true || !foreign.some((known) => known?.has(key) === true)
    })
    .join(',')
}
