import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

const root = new URL('../..', import.meta.url).pathname
/** Elements of the tests: a tiny OS that needs no network, and what drives it into corners. */
export const fixtureElements = `${root}test/fixtures/elements`

/** The path of one of the project's commands. */
export const bin = (name: string): string => `${root}builder/bin/${name}`

/** Words in front of a script of bash, and its arguments, that may mount what it likes: nobody else sees it. */
export const inOwnMounts = ['unshare', '--mount', '--propagation', 'private', 'bash', '-c'] as const

/** An environment without the caller's DIB settings, building in a directory of its own. */
export function buildEnvironment(work: string, extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: work,
    ELEMENTS_PATH: fixtureElements,
    TMP_DIR: work,
    DIB_IMAGE_CACHE: `${work}/cache`,
    DIB_NO_TIMESTAMP: '1',
    ...extra,
  }
}

/** A directory that is deleted after the test file. */
export async function workDirectory(): Promise<string> {
  const path = await mkdtemp(`${tmpdir()}/coffer-test.`)
  afterAll(() => removeTree(path))
  return path
}

/** Runs disk-image-create in `work`; its output and status. */
export async function create(work: string, args: readonly string[], extra: Record<string, string> = {}) {
  const result = await run([bin('disk-image-create'), ...args], {
    cwd: work,
    env: buildEnvironment(work, extra),
    check: false,
    timeoutMs: 170_000,
  })
  return { ...result, output: result.stdout + result.stderr }
}

/** What a build could leave on the machine: build directories, mounts, loop devices, processes that name `work`. */
export async function leftovers(work: string): Promise<string[]> {
  const directories = (await readdir(work)).filter((name) => name.startsWith('dib_'))
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(work))
  const loops = (await run(['losetup', '-a'])).stdout.split('\n').filter((line) => line.includes(work))
  const processes: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (environment.includes(`TMP_DIR=${work}\0`) || command.includes(`${work}/dib_`)) {
      processes.push(`process ${pid}: ${command.replaceAll('\0', ' ')}`)
    }
  }
  return [...directories, ...mounts, ...loops, ...processes]
}
