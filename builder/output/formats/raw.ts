import { chmod } from 'node:fs/promises'
import { run } from '../../../lib/exec.ts'
import type { RawFormat } from '../types.ts'

/** The disk itself, moved: so it comes last, whatever the order of `-t` (DIB contract §5). Stays sparse. */
export const raw: RawFormat = {
  name: 'raw',
  suffix: 'raw',
  from: 'raw',
  consumesRaw: true,
  compresses: 'never',
  finish: 'image',
  tools: () => [],
  async write(job) {
    // Made in the build directory, with the mask that scripts have.
    if (job.umask !== undefined) await chmod(job.rawPath, 0o666 & ~job.umask)
    // mv, not rename(2): the build directory may be on another file system, and mv keeps holes when it copies.
    await run(['mv', '-T', '--', job.rawPath, job.target], {
      env: job.env,
      ...(job.signal === undefined ? {} : { signal: job.signal }),
    })
  },
}
