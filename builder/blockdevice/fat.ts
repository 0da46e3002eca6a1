import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { type RunResult, run } from '../../lib/exec.ts'
import { tooSmall } from './errors.ts'
import type { Extent, FileSystemLayout } from './layout-types.ts'
import type { RawFile } from './raw-file.ts'

/** mtools read no configuration of this machine, check nothing about the geometry, and write UTC, as firmware does. */
export const MTOOLS_ENV = { MTOOLSRC: '/dev/null', MTOOLS_SKIP_CHECK: '1', LC_ALL: 'C.UTF-8', TZ: 'UTC' }

/**
 * Makes a FAT file system inside an image file and copies a directory into it. FAT keeps no owners, modes or links.
 *
 * @param source the directory that becomes its root; undefined for an empty file system
 * @param sourceDate what FAT says of the moment at which a directory was made: seconds since 1970. Undefined: now
 * @throws CofferError `BLOCK_DEVICE_FAT_CONTENT` for a link, a device or a name FAT cannot hold,
 *   `BLOCK_DEVICE_TOO_SMALL` when the files do not fit.
 */
export async function writeFat(
  fileSystem: FileSystemLayout,
  extent: Extent,
  raw: RawFile,
  source: string | undefined,
  sourceDate?: number,
): Promise<void> {
  // Checked before anything is written.
  if (source !== undefined) await fatEntries(source)
  const [program, ...args] = mkfatArgv(fileSystem, extent, raw)
  // The label has a date too; it takes no other than a constant one.
  const constant = sourceDate === undefined ? [] : ['--invariant']
  await run([program, ...constant, ...args], { cwd: raw.cwd, env: { ...process.env, LC_ALL: 'C' } })
  if (source !== undefined) await copyIntoFat(fatTarget(raw, extent), source, { cwd: raw.cwd, sourceDate })
}

/**
 * Copies what is in a directory into a FAT file system, in place of older files of the same names.
 *
 * @param target a device, or a name from {@link fatTarget}
 * @throws CofferError `BLOCK_DEVICE_FAT_CONTENT`, `BLOCK_DEVICE_TOO_SMALL`
 */
export async function copyIntoFat(
  target: string,
  directory: string,
  options: MtoolsOptions = {},
): Promise<void> {
  const entries = await fatEntries(directory)
  if (entries.length === 0) return
  await mtools(['mcopy', '-s', '-m', '-o', '-Q', '-i', target, '--', ...entries, '::/'], options)
}

/** The command line that makes the file system. mkfs.fat counts offsets and hidden sectors in sectors of 512 bytes. */
export function mkfatArgv(fileSystem: FileSystemLayout, extent: Extent, raw: RawFile): [string, ...string[]] {
  const sector = String(extent.offset / 512)
  return [
    'mkfs.vfat',
    ...fileSystem.options,
    '-n',
    fileSystem.label,
    '-i',
    fileSystem.uuid.slice(0, 8),
    '-h',
    sector,
    '--offset',
    sector,
    raw.name,
    String(Math.floor(extent.size / 1024)),
  ]
}

/** How mtools name a file system inside an image file. */
export function fatTarget(raw: RawFile, extent: Extent): string {
  return `${raw.name}@@${extent.offset}`
}

/** Options of {@link mtools}. */
export interface MtoolsOptions {
  readonly cwd?: string
  /** What they write for "now": seconds since 1970. Undefined: the clock's time. */
  readonly sourceDate?: number | undefined
}

/**
 * Runs one of the mtools on an image file.
 *
 * @throws CofferError `BLOCK_DEVICE_TOO_SMALL` when the file system is full.
 */
export async function mtools(
  argv: readonly [string, ...string[]],
  { cwd, sourceDate }: MtoolsOptions = {},
): Promise<RunResult> {
  const now = sourceDate === undefined ? {} : { SOURCE_DATE_EPOCH: String(sourceDate) }
  const result = await run(argv, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...MTOOLS_ENV, ...now },
    check: false,
  })
  if (result.exitCode === 0) return result
  const reason = result.stderr.trim().split('\n').slice(-2).join(' ')
  if (/disk full|no free cluster/i.test(result.stderr)) {
    throw tooSmall(`The files for the FAT file system do not fit: ${reason}`)
  }
  throw new CofferError('COMMAND_FAILED', `${argv[0]} failed with status ${result.exitCode}: ${reason}`, {
    hint: `Repeat it with: ${result.replay}`,
  })
}

/** The top entries of a directory, after checking that FAT can hold everything in it. */
async function fatEntries(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  for (const name of names) {
    const path = join(directory, name)
    const stat = await lstat(path)
    if (/[\\:*?"<>|\u0000-\u001f]/.test(name) || /[. ]$/.test(name)) {
      throw fatError(path, 'FAT cannot hold this name')
    }
    if (stat.isDirectory()) await fatEntries(path)
    else if (!stat.isFile()) throw fatError(path, 'FAT holds only files and directories')
  }
  return names.sort().map((name) => join(directory, name))
}

function fatError(path: string, reason: string): CofferError {
  return new CofferError('BLOCK_DEVICE_FAT_CONTENT', `${path} cannot be written: ${reason}`, {
    hint: 'Remove it from the tree, or use another file system type for this mount point.',
  })
}
