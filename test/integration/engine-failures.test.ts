import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { withElements } from './engine-elements.ts'
import { bin, buildEnvironment, create, inOwnMounts, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
const START = '#!/bin/bash\nset -eu\nset -o pipefail\n'
const elementsPath = await withElements(work, {
  'leaves-early/environment.d/50-leaves-early.bash': 'exit 0\n',
  'unset-variable/environment.d/50-unset-variable.bash': 'export COPY=$NO_SUCH_VARIABLE\n',
  'false-command/environment.d/50-false-command.bash': 'false\n',
  'returns/environment.d/50-returns.bash': 'return 0\n',
  'empty-os/element-provides': 'operating-system\n',
  'empty-os/root.d/10-empty-os': `${START}mkdir "$TARGET_ROOT/lost+found" "$TARGET_ROOT/my-tmp"\n`,
  'holds-output/install.d/50-holds-output': `${START}sleep 300 &\necho "HOLDING"\n`,
  'keeps-going/post-root.d/50-keeps-going': `${START}setsid sleep 300 < /dev/null > /dev/null 2>&1 &\n`,
})
const build = (elements: readonly string[], extra: Record<string, string> = {}) =>
  create(work, ['-n', '-o', 'fails', '-t', 'tar', ...elements], { ELEMENTS_PATH: elementsPath, ...extra })

test.each([
  [
    'leaves-early',
    1,
    /^The environment file \S+\/environment\.d\/50-leaves-early\.bash ended the shell with exit$/m,
  ],
  ['unset-variable', 1, /^The environment file \S+\/50-unset-variable\.bash failed with status 1$/m],
  ['false-command', 1, /^The environment file \S+\/50-false-command\.bash failed with status 1$/m],
] as const)(
  'an environment file that %s ends the build with status %i and is named',
  async (element, status, message) => {
    const result = await build(['tiny-os', element, 'every-phase'])
    expect(result.exitCode).toBe(status)
    expect(result.output).toMatch(message)
    expect(result.output).toMatch(/^hint: Environment files are sourced under `set -eu -o pipefail`/m)
    expect(result.output).not.toMatch(/^PHASE/m)
    expect(await leftovers(work)).toEqual([])
  },
)

test('an environment file may return', async () => {
  expect((await build(['tiny-os', 'returns'])).exitCode).toBe(0)
})

test('a root.d that deploys nothing is noticed', async () => {
  const result = await build(['empty-os'])
  expect(result.exitCode).toBe(1)
  expect(result.output).toMatch(/^Failed to deploy the root element\.\nhint: /m)
  expect(await leftovers(work)).toEqual([])
})

test('a daemon that a script leaves running in the chroot is ended, and named in a warning', async () => {
  const result = await build(['tiny-os', 'left-running'])
  expect(result.exitCode).toBe(0)
  const [, pid] = /^DAEMON (\d+)$/m.exec(result.output) ?? []
  expect(result.output).toContain(
    `WARNING: A process was left running in the image and is ended: careless-daemon (pid ${pid})\n`,
  )
  expect(await leftovers(work)).toEqual([])
})

test('a build does not wait for a process that a script leaves with its output', async () => {
  const result = await build(['tiny-os', 'holds-output'])
  expect(result.exitCode).toBe(0)
  expect(result.output).toMatch(/^HOLDING$/m)
  expect(result.durationMs).toBeLessThan(60_000)
})

test('a process that a script leaves running outside ends with the build', async () => {
  const result = await build(['tiny-os', 'keeps-going'])
  expect(result.exitCode).toBe(0)
  expect(await leftovers(work)).toEqual([])
})

/** Builds in a private mount namespace with a small file system at `small`; prints what is left there. */
async function onSmallDisk(mebibytes: number, args: readonly string[], extra: Record<string, string>) {
  const small = `${work}/small`
  const script = [
    'set -eu',
    'mkdir -p "$1"; mount -t tmpfs -o "size=$2m" none "$1"; cd "$1"; shift 2',
    'status=0; "$@" || status=$?',
    'echo "LEFT $(ls -A | tr "\\n" " ")"; exit "$status"',
  ].join('\n')
  const result = await run([...inOwnMounts, script, 'bash', small, String(mebibytes), ...args], {
    env: { ...buildEnvironment(work), ...extra },
    check: false,
    timeoutMs: 120_000,
  })
  return { ...result, small }
}

const disk = (...args: string[]) => [bin('disk-image-create'), '-n', '-o', 'full', ...args, 'tiny-os']

test('a disk that is full while scripts run is named, with what to do', async () => {
  const { exitCode, stdout, small } = await onSmallDisk(8, disk('-t', 'raw'), {
    TMP_DIR: `${work}/small`,
    DIB_NO_TMPFS: '1',
  })
  expect(exitCode).toBe(1)
  expect(stdout).toMatch(
    new RegExp(
      `^No space is left in ${small}/dib_build\\.\\S+ \\(8 MiB in all\\): root\\.d/10-tiny-os of element tiny-os failed .*\nhint: Free space there, or set TMP_DIR to .*\nLEFT $`,
      'm',
    ),
  )
  expect(await leftovers(work)).toEqual([])
})

test('a disk that is full while the image is written is named, and no part of an image is left', async () => {
  const { exitCode, stdout, small } = await onSmallDisk(24, disk('-t', 'raw,qcow2'), {
    TMP_DIR: `${work}/small`,
    DIB_NO_TMPFS: '1',
  })
  expect(exitCode).not.toBe(0)
  expect(stdout).toMatch(
    new RegExp(`^No space is left in ${small}/dib_\\S+ \\(24 MiB in all\\): .*\nhint: .*\nLEFT $`, 'm'),
  )
  expect(await leftovers(work)).toEqual([])
})

test('a disk that is too small for the output is named', async () => {
  const { exitCode, stdout, small } = await onSmallDisk(8, disk('-t', 'tar'), { TMP_DIR: work })
  expect(exitCode).not.toBe(0)
  expect(stdout).toMatch(
    new RegExp(`^No space is left in ${small} \\(8 MiB in all\\): .*\nhint: .* -o\\.\nLEFT $`, 'm'),
  )
  expect(await leftovers(work)).toEqual([])
  expect(await readdir(work)).not.toContain('full.tar')
})
