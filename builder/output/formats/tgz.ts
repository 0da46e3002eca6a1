import type { Environment } from '../../../lib/exec.ts'
import { run } from '../../../lib/exec.ts'
import type { TreeFormat } from '../types.ts'
import { runOptions, tarCommand, tarTool } from './tar.ts'

/** `DIB_GZIP_BIN` names another gzip (pigz, say). */
function gzipProgram(env: Environment): string {
  const named = env.DIB_GZIP_BIN ?? ''
  return named === '' ? 'gzip' : named
}

/**
 * The tar archive through `gzip -9`, in one pass without the archive in between. As in DIB, `-t tar,tgz` leaves only
 * the tgz (DIB contract §5).
 */
export const tgz: TreeFormat = {
  name: 'tgz',
  suffix: 'tgz',
  from: 'tree',
  compresses: 'always',
  finish: 'image',
  replaces: ['tar'],
  tools(env) {
    const program = gzipProgram(env)
    return [
      tarTool,
      {
        program,
        package: program === 'pigz' ? 'pigz' : 'gzip',
        complaint: `no ${program} executable found.`,
      },
    ]
  },
  async write(job) {
    await run(tarCommand(job, ['--use-compress-program', `${gzipProgram(job.env)} -9n`]), runOptions(job))
  },
}
