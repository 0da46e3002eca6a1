import { run } from '../../../lib/exec.ts'
import type { RawFormat, RawJob, Tool } from '../types.ts'

export const qemuImgTool: Tool = {
  program: 'qemu-img',
  package: 'qemu-utils',
  complaint: 'qemu-img executable not found.',
}

/** What {@link convert} does beyond changing the format. */
export interface ConvertOptions {
  readonly compress?: boolean
  /** Comma separated text for `-o`. */
  readonly options?: string
}

/**
 * Converts the raw image with qemu-img. The source is always read as raw, and written in its order (no `-W`): the same image
 * every time.
 */
export async function convert(job: RawJob, qemuFormat: string, how: ConvertOptions): Promise<void> {
  job.log.info('Converting image using qemu-img convert')
  const { compress = false, options = '' } = how
  await run(
    [
      'qemu-img',
      'convert',
      ...(compress ? ['-c'] : []),
      ...['-f', 'raw', '-O', qemuFormat],
      ...(options === '' ? [] : ['-o', options]),
      ...['--', job.rawPath, job.target],
    ],
    { env: job.env, ...(job.signal === undefined ? {} : { signal: job.signal }) },
  )
}

/** Formats with an id or a time in their headers that qemu-img draws anew; no option sets it. */
const DRAWN = new Set(['vmdk', 'vdi', 'vhdx', 'vpc'])
export const VARIES = 'holds an id that qemu-img draws anew each time'

/** A format that qemu-img writes without anything special: vmdk, vdi, vhdx, vpc, qed, or any other word it knows. */
export function qemuImgFormat(name: string): RawFormat {
  return {
    name,
    suffix: name,
    from: 'raw',
    consumesRaw: false,
    compresses: 'never',
    finish: 'image',
    ...(DRAWN.has(name) ? { varies: VARIES } : {}),
    tools: () => [qemuImgTool],
    write: (job) => convert(job, name, { options: job.qemuImgOptions ?? '' }),
  }
}

/** The options that qemu-img knows for a format, or undefined when it cannot write that format. */
export async function knownOptions(qemuFormat: string): Promise<ReadonlySet<string> | undefined> {
  // The file name is not used: help ends the command.
  const argv = ['qemu-img', 'create', '-f', qemuFormat, '-o', 'help', '--', '/nonexistent/image'] as const
  const help = await run(argv, { check: false })
  if (help.exitCode !== 0) return undefined
  return new Set([...help.stdout.matchAll(/^\s+([\w.-]+)=</gm)].map((match) => match[1] ?? ''))
}

/** The single `key=value` texts of a `-o` text; a doubled comma belongs to a value. */
export function splitOptions(text: string): string[] {
  return text.match(/(?:,,|[^,])+/g) ?? []
}
