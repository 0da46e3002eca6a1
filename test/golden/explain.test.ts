import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

const root = new URL('../..', import.meta.url).pathname

/** What `--explain` prints, with what depends on the machine and on our version replaced by its name. */
async function explain(args: readonly string[]): Promise<string> {
  const home = await mkdtemp(`${tmpdir()}/coffer-explain-`)
  onTestFinished(() => removeTree(home))
  const { stdout } = await run([`${root}builder/bin/disk-image-create`, '--explain', ...args], {
    cwd: home,
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: home,
      ELEMENTS_PATH: `${root}test/fixtures/elements`,
    },
  })
  return stdout
    .replaceAll(home, '$HOME')
    .replaceAll(root, '$COFFER/')
    .replace(/COFFER_VERSION=\S+/, 'COFFER_VERSION=$VERSION')
}

test('the plan of a tiny build is the one on record', async () => {
  const words = ['tiny-os', 'every-phase', 'block-device-hybrid']
  const plan = await explain(['-n', '-a', 'amd64', '-o', 'tiny', '-t', 'qcow2,tar', ...words])
  // A step's id covers all its files, so it changes with every edit of an element: only their shape is on record.
  await expect(plan.replace(/\b[0-9a-f]{12,64}\b/g, '$ID')).toMatchFileSnapshot('./explain.txt')
})

test('the same request gives the same plan, ids included; another request gives other ids', async () => {
  const args = ['-n', '-a', 'amd64', 'tiny-os', 'every-phase']
  expect(await explain(args)).toBe(await explain(args))
  const ids = (text: string) => new Set(text.match(/\b[0-9a-f]{12,64}\b/g))
  const [first, other] = [ids(await explain(args)), ids(await explain(['-p', 'more', ...args]))]
  expect(first.size).toBeGreaterThan(0)
  expect(other).not.toEqual(first)
})
