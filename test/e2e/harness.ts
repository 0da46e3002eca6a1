import { mkdtemp } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { afterAll } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

export const root = new URL('../..', import.meta.url).pathname
/** Elements of Debian's python3-diskimage-builder, unmodified. */
export const dibElements = '/usr/lib/python3/dist-packages/diskimage_builder/elements'
/** Stand-ins for kpartx, dmsetup and sudo, so that real DIB runs without device-mapper. */
export const dibHost = `${root}test/fixtures/dib-host/bin`

/** The tool's own cache on this machine: packages are downloaded once for all end-to-end tests, and for the next run. */
const imageCache = process.env.DIB_IMAGE_CACHE ?? `${homedir()}/.cache/image-create`

/** A directory that is deleted after the test file. */
export async function workDirectory(): Promise<string> {
  const path = await mkdtemp(`${tmpdir()}/coffer-e2e.`)
  afterAll(() => removeTree(path))
  return path
}

/** Runs a command of ours or DIB's in `work`; output is returned whole, and nothing throws. */
export async function tool(
  work: string,
  argv: readonly [string, ...string[]],
  extra: Record<string, string> = {},
) {
  const result = await run(argv, {
    cwd: work,
    check: false,
    timeoutMs: 1_500_000,
    env: {
      PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: work,
      DIB_IMAGE_CACHE: imageCache,
      ...extra,
    },
  })
  return { ...result, output: result.stdout + result.stderr }
}
