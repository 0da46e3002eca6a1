import type { Environment } from '../../lib/exec.ts'
import type { Log } from '../../lib/log.ts'
import type { ClusterReuse } from './qcow2-write.ts'

/** A program a format needs, and what to say when it is not there. */
export interface Tool {
  readonly program: string
  /** The Debian package that brings it. */
  readonly package: string
  /** How DIB ends the sentence `<format> output format specified but …` (DIB contract §3.1). */
  readonly complaint: string
}

/** What every output format declares. A member MUST be pure data and functions: no state between outputs. */
interface FormatBase {
  /** The word after `-t`. */
  readonly name: string
  /** What follows the image name and a dot; undefined for a format that leaves no file. */
  readonly suffix: string | undefined
  /** Whether the output is smaller than its content: always, only when asked (not `-u`), or never. */
  readonly compresses: 'always' | 'on request' | 'never'
  /**
   * `image`: an older file is kept under a time stamp, checksums are written on request.
   * `archive`: an older file is replaced and there are no checksums, as DIB does (DIB contract §5).
   */
  readonly finish: 'image' | 'archive'
  /** Why two files of the same content differ: the end of a sentence that the file's name begins. Absent: they do not. */
  readonly varies?: string
  /** The programs `write` starts. MUST name all of them, so that a build is refused before it starts. */
  readonly tools: (env: Environment) => readonly Tool[]
}

/** A format made from the root tree, while it is a directory. */
export interface TreeFormat extends FormatBase {
  readonly from: 'tree'
  /** Formats this one takes the place of when both are asked for. */
  readonly replaces?: readonly string[]
  /**
   * MUST write the whole output to `target` (or, without a suffix, use it as its only scratch file), MUST NOT change
   * the tree, MUST keep owners, modes, and extended attributes, MUST leave out what is below /proc and /sys, MUST give
   * the same bytes for the same tree, and MUST throw when the output is not complete.
   */
  readonly write: (job: TreeJob) => Promise<void>
}

/** A format made from the raw disk image. */
export interface RawFormat extends FormatBase {
  readonly from: 'raw'
  /** True when `write` uses up the raw image; such a format comes last, whatever the order asked for. */
  readonly consumesRaw: boolean
  /**
   * MUST write the whole output to `target` with the raw image's contents, MUST NOT change the raw image unless
   * `consumesRaw`, MUST read the source as raw (an image must not choose its own format), and MUST throw when the
   * output is not complete.
   */
  readonly write: (job: RawJob) => Promise<void>
}

export type OutputFormat = TreeFormat | RawFormat

interface JobBase {
  /** Absolute path to write to. Does not exist yet. */
  readonly target: string
  readonly env: Environment
  readonly log: Log
  /** Processors to use. */
  readonly cores: number
  /** File mode creation mask that `target` must have heeded; it is this process's own already. */
  readonly umask?: number
  /** Seconds since 1970: nothing in the output is dated later. Undefined: times as they are. */
  readonly sourceDate?: number | undefined
  readonly signal?: AbortSignal
}

/** One output to make from the tree. */
export interface TreeJob extends JobBase {
  readonly tree: string
  readonly dockerTarget?: string
}

/** One output to make from the raw image. */
export interface RawJob extends JobBase {
  readonly rawPath: string
  readonly compress: boolean
  /** Lets equal parts of qcow2 images be compressed once. */
  readonly reuse?: ClusterReuse | undefined
  /** Text for `qemu-img convert -o`, already limited to what the format knows. */
  readonly qemuImgOptions?: string
}

/** An output that is in place. */
export interface Output {
  /** As given with `-o`, with the suffix. */
  readonly path: string
  readonly format: string
  readonly bytes: number
  /** Hexadecimal; only when the checksum was asked for. */
  readonly sha256?: string
}
