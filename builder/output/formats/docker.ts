import { CofferError } from '../../../lib/errors.ts'
import { run } from '../../../lib/exec.ts'
import type { TreeFormat } from '../types.ts'
import { runOptions, tarCommand, tarTool } from './tar.ts'

/** An image in the local Docker store, named with `--docker-target`. Leaves no file. */
export const docker: TreeFormat = {
  name: 'docker',
  suffix: undefined,
  from: 'tree',
  compresses: 'never',
  finish: 'archive',
  tools: () => [
    { program: 'docker', package: 'docker.io', complaint: 'no docker executable found.' },
    tarTool,
  ],
  async write(job) {
    if (job.dockerTarget === undefined) throw dockerTargetMissing()
    await run(tarCommand(job), runOptions(job))
    const result = await run(['docker', 'import', '--', job.target, job.dockerTarget], runOptions(job))
    job.log.info(`Docker image ${job.dockerTarget} created: ${result.stdout.trim()}`)
  },
}

/** DIB's text for a docker output without a name (DIB contract §3.1). */
export function dockerTargetMissing(): CofferError {
  return new CofferError('DOCKER_TARGET_MISSING', 'Please set --docker-target.', {
    hint: 'For example: --docker-target mysql-guest:latest',
  })
}
