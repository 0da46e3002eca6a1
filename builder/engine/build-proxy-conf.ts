import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockVariables } from '../lock/lock-variables.ts'
import type { BuildJob } from './build.ts'

/** Where element dpkg tells apt of the build's proxy; its cleanup.d takes the file away again. */
const CONF = 'etc/apt/apt.conf.d/60img-build-proxy'

const NO_VALID_UNTIL = 'Acquire::Check-Valid-Until "false";\n'

/**
 * Makes apt in the tree use this build's proxy and rules: a layer from the cache may hold those of another build. Most builds have
 * the same port as the last one, and nothing is written.
 */
export async function renewBuildProxy(root: string, job: BuildJob): Promise<void> {
  if (job.aptProxy === undefined) return
  const path = join(root, CONF)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const renewed = renewedConf(text, job.aptProxy, job.inputEnvironment[lockVariables.locked] !== undefined)
  if (renewed !== text) await writeFile(path, renewed)
}

/** The text of the file for another build. */
export function renewedConf(text: string, proxy: string, locked: boolean): string {
  const own = text.replace(/http:\/\/127\.0\.0\.1:\d+/g, proxy).replaceAll(NO_VALID_UNTIL, '')
  return locked ? own + NO_VALID_UNTIL : own
}
