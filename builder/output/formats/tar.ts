import { type Argv, run } from '../../../lib/exec.ts'
import type { Tool, TreeFormat, TreeJob } from '../types.ts'

export const tarTool: Tool = { program: 'tar', package: 'tar', complaint: 'no tar executable found.' }

/**
 * The tar command for a tree: members begin with `./`, no /sys and /proc, all extended attributes (file capabilities
 * among them), as DIB makes it (DIB contract §5).
 *
 * Ours beside that: names sorted and no process id or access time in the extended headers, so that the same tree gives
 * the same archive; nothing dated after the source date; owners as numbers, because the names would be this machine's and
 * not the guest's.
 *
 * @param member of the tree, beginning with `.`
 */
export function tarCommand(
  job: Pick<TreeJob, 'tree' | 'target' | 'sourceDate'>,
  more: readonly string[] = [],
  member = '.',
): Argv {
  return [
    'tar',
    ...['--force-local', '-C', job.tree, '-cf', job.target],
    ...['--exclude', './sys', '--exclude', './proc', '--xattrs', '--xattrs-include=*'],
    ...['--format=posix', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'],
    ...['--sort=name', '--numeric-owner'],
    ...(job.sourceDate === undefined ? [] : [`--mtime=@${job.sourceDate}`, '--clamp-mtime']),
    ...more,
    member,
  ]
}

/** The options of {@link run} a job stands for: no habit of the caller's changes the archive. */
export function runOptions(job: Pick<TreeJob, 'env' | 'signal' | 'sourceDate'>) {
  const { TAR_OPTIONS, GZIP, PIGZ, SOURCE_DATE_EPOCH, ...env } = job.env
  const date = job.sourceDate === undefined ? {} : { SOURCE_DATE_EPOCH: String(job.sourceDate) }
  return {
    env: { ...env, ...date, LC_ALL: 'C', TZ: 'UTC' },
    ...(job.signal === undefined ? {} : { signal: job.signal }),
  }
}

/** A plain archive of the tree. */
export const tar: TreeFormat = {
  name: 'tar',
  suffix: 'tar',
  from: 'tree',
  compresses: 'never',
  finish: 'archive',
  tools: () => [tarTool],
  async write(job) {
    await run(tarCommand(job), runOptions(job))
  },
}
