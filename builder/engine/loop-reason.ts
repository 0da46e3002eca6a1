import { readFile } from 'node:fs/promises'
import type { HookFile } from '../../phases/hooks.ts'

/** Phases whose scripts may use the block device (DIB contract §1.5). */
const PHASES = /^(block-device|pre-finalise|finalise|cleanup)\.d\/[^/]+$/

/** The comment by which a script says that it works without a block device too. */
const OPTIONAL = /^\s*#\s*block-device:\s*optional\s*$/m

/**
 * The script that insists on IMAGE_BLOCK_DEVICE, as a reason to write the disk through loop devices; undefined when no
 * script does and the disk can be written as a plain file (docs/adr/0002).
 */
export async function loopReasonOfHooks(hooks: readonly HookFile[]): Promise<string | undefined> {
  for (const hook of hooks) {
    if (hook.kind !== 'file' || !PHASES.test(hook.destination)) continue
    const text = await readFile(hook.source, 'utf8').catch(() => '')
    if (text.includes('IMAGE_BLOCK_DEVICE') && !OPTIONAL.test(text)) {
      return `${hook.destination} of element ${hook.element} uses IMAGE_BLOCK_DEVICE`
    }
  }
  return undefined
}
