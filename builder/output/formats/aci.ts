import { basename, dirname, resolve } from 'node:path'
import { run } from '../../../lib/exec.ts'
import type { TreeFormat } from '../types.ts'
import { runOptions, tarCommand, tarTool } from './tar.ts'

/** An App Container image: the tree below `rootfs/`, and the file that `ACI_MANIFEST` names as `manifest`. */
export const aci: TreeFormat = {
  name: 'aci',
  suffix: 'aci',
  from: 'tree',
  compresses: 'never',
  finish: 'archive',
  tools: () => [tarTool],
  async write(job) {
    await run(tarCommand(job, ['--transform', 's,^\\.,rootfs,S']), runOptions(job))
    const manifest = job.env.ACI_MANIFEST ?? ''
    if (manifest === '') {
      job.log.warn(
        'No ACI_MANIFEST specified. An ACI_MANIFEST must be specified for this image to be usable.',
      )
      return
    }
    const file = resolve(manifest)
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=0644', '--dereference']
    const rename = ['--transform', 's,.*,manifest,']
    const date = job.sourceDate === undefined ? [] : [`--mtime=@${job.sourceDate}`]
    const source = ['-C', dirname(file), '--', basename(file)]
    await run(
      ['tar', '--force-local', ...owner, ...date, ...rename, '--append', '-f', job.target, ...source],
      runOptions(job),
    )
  },
}
