import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { getopt } from '../../lib/getopt.ts'
import { type CacheEntry, cacheEntries, pruneSteps } from '../cache/prune.ts'
import { verifyInside, verifySteps } from '../cache/verify.ts'
import { stepCacheDirectory } from '../engine/step-cache.ts'
import { type BuildOption, optionRows } from '../request/options.ts'
import { ownFilesOfImages } from '../sandbox/root-rights.ts'
import { mebibytes } from './progress.ts'

/** Options of `build-image cache`. */
export const cacheOptions: readonly BuildOption[] = [
  {
    names: ['--image-cache'],
    argument: true,
    placeholder: 'directory',
    help: 'where downloads are kept (default ~/.cache/image-create)',
  },
  { names: ['--json'], argument: false, help: 'print JSON (ls)' },
  {
    names: ['--keep'],
    argument: true,
    placeholder: 'GiB',
    help: 'prune: keep as much as this, last used first (default 0: nothing)',
  },
  { names: ['-h', '--help'], argument: false, help: 'display this help and exit' },
]

const HELP = `Usage: build-image cache ls | prune | verify [OPTION]...

The step cache holds the result of each script and the images made of them, so that only what has changed runs again.

  ls       list what is in it, last used first
  prune    delete from it
  verify   read all of it, compare with the digests, and delete what is damaged

Options:
${optionRows(cacheOptions)}
`

/**
 * `build-image cache …`.
 *
 * @returns the exit status: 1 when `verify` found something damaged
 * @throws CofferError `SUBCOMMAND_UNKNOWN`, `OPTION_VALUE_INVALID`
 */
export async function cacheCommand(args: readonly string[], environment: Environment): Promise<number> {
  const line = getopt('build-image cache', args, cacheOptions)
  const value = (name: string) => line.options.findLast((option) => option.name === name)?.value
  const has = (name: string) => line.options.some((option) => option.name === name)
  if (has('-h')) {
    process.stdout.write(HELP)
    return 0
  }
  const home = environment.HOME ?? homedir()
  const downloads = value('--image-cache') ?? (environment.DIB_IMAGE_CACHE || `${home}/.cache/image-create`)
  const rights = await ownFilesOfImages()
  try {
    const directory = stepCacheDirectory(resolve(downloads), rights.privilege)
    return await act(line.words[0], directory, rights.enter, { json: has('--json'), keep: value('--keep') })
  } finally {
    await rights.release()
  }
}

async function act(
  action: string | undefined,
  directory: string,
  enter: readonly string[],
  options: { readonly json: boolean; readonly keep: string | undefined },
): Promise<number> {
  switch (action) {
    case 'ls': {
      const entries = await cacheEntries(directory, enter)
      process.stdout.write(options.json ? `${JSON.stringify(entries, undefined, 2)}\n` : table(entries))
      return 0
    }
    case 'prune': {
      const gone = await pruneSteps(directory, gibibytes(options.keep ?? '0'), enter)
      process.stdout.write(`deleted ${counted(gone)}\n`)
      return 0
    }
    case 'verify': {
      const { sound, damaged } = await (enter.length === 0
        ? verifySteps(directory)
        : verifyInside(directory, enter))
      for (const name of damaged) process.stdout.write(`damaged, and deleted: ${name}\n`)
      process.stdout.write(`${sound} sound, ${damaged.length} damaged\n`)
      return damaged.length === 0 ? 0 : 1
    }
    default:
      throw new CofferError('SUBCOMMAND_UNKNOWN', `build-image cache needs one of ls, prune, verify`, {
        exitCode: 2,
        hint: 'See build-image cache --help',
      })
  }
}

function table(entries: readonly CacheEntry[]): string {
  const rows = entries.map(({ kind, what, element, bytes, used, seconds }) => [
    used.toISOString().slice(0, 19).replace('T', ' '),
    kind,
    mebibytes(bytes).padStart(9),
    seconds === 0 ? '' : `${seconds.toFixed(1)} s`,
    `${what}${element === '' ? '' : ` (${element})`}`,
  ])
  const lines = rows.map(([used, kind, size, seconds = '', what]) =>
    [used, kind?.padEnd(5), size, seconds.padStart(8), what].join('  '),
  )
  return `${[...lines, counted(entries)].join('\n')}\n`
}

function counted(entries: readonly CacheEntry[]): string {
  const count = (kind: CacheEntry['kind']) => entries.filter((entry) => entry.kind === kind).length
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  return `${count('layer')} layers and ${count('image')} images, ${mebibytes(bytes)}`
}

function gibibytes(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number) && number >= 0) return number * 1024 ** 3
  throw new CofferError('OPTION_VALUE_INVALID', `--keep needs a number of GiB, not '${text}'`, {
    hint: 'For example: --keep 5',
  })
}
