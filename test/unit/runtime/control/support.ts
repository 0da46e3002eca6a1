import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'

/** A directory that goes with the test. */
export async function ownDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-unit-control-'))
  onTestFinished(() => removeTree(directory))
  return directory
}
