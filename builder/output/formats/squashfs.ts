import { run } from '../../../lib/exec.ts'
import type { TreeFormat } from '../types.ts'
import { runOptions } from './tar.ts'

/** A squashfs file system of the tree, xz compressed; the file ends in `.squash`, as DIB names it. */
export const squashfs: TreeFormat = {
  name: 'squashfs',
  suffix: 'squash',
  from: 'tree',
  compresses: 'always',
  finish: 'archive',
  tools: () => [
    { program: 'mksquashfs', package: 'squashfs-tools', complaint: 'no mksquashfs executable found.' },
  ],
  async write(job) {
    const options = [
      '-comp',
      'xz',
      '-noappend',
      '-no-recovery',
      '-no-progress',
      '-processors',
      String(job.cores),
      // Where a file has holes, and where zeros, depends on the file system of the build. Either takes no room.
      ...(job.sourceDate === undefined ? [] : ['-no-sparse']),
    ]
    const excluded = ['-wildcards', '-e', 'proc/*', 'sys/*']
    await run(['mksquashfs', job.tree, job.target, ...options, ...excluded], runOptions(job))
  },
}
