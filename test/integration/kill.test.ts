import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { phases } from '../../phases/phases.ts'
import { bin, buildEnvironment, create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
const args = ['-n', '-o', 'killed', '-t', 'raw', 'tiny-os', 'every-phase', 'block-device-mbr']

/** Starts a build that pauses in a phase, and sends a signal when it is there. */
async function killIn(
  phase: string,
  signal: NodeJS.Signals,
  extra: Record<string, string> = {},
  elements: readonly string[] = [],
): Promise<number | null> {
  const child = spawn(bin('disk-image-create'), [...args, ...elements], {
    cwd: work,
    env: buildEnvironment(work, { PAUSE_IN: phase, ...extra }),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const paused = output.includes(`PAUSED in ${phase}`)
    output += chunk
    if (!paused && output.includes(`PAUSED in ${phase}`)) child.kill(signal)
  })
  return new Promise((resolve) => child.on('close', resolve))
}

/** Waits until the reaper and the kernel are done: at most ten seconds. */
async function nothingLeft(): Promise<string[]> {
  let left: string[] = []
  for (let tries = 0; tries < 100; tries++) {
    left = await leftovers(work)
    if (left.length === 0) break
    await sleep(100)
  }
  return left
}

test.each(phases.map(({ name }) => name))('SIGKILL in %s leaves nothing behind', async (phase) => {
  await killIn(phase, 'SIGKILL')
  expect(await nothingLeft()).toEqual([])
  expect((await readdir(work)).filter((name) => name.startsWith('killed'))).toEqual([])
})

test.each([
  ['SIGKILL', 'finalise.d', null],
  ['SIGKILL', 'cleanup.d', null],
  ['SIGTERM', 'finalise.d', 143],
] as const)(
  '%s in %s leaves no loop device behind when a script insists on one',
  async (signal, phase, status) => {
    expect(await killIn(phase, signal, {}, ['needs-loop'])).toBe(status)
    expect(await nothingLeft()).toEqual([])
  },
)

test('SIGKILL leaves nothing behind when the build is on disk', async () => {
  await killIn('install.d', 'SIGKILL', { DIB_NO_TMPFS: '1' })
  expect(await nothingLeft()).toEqual([])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the build with status %i and leaves nothing behind', async (signal, status) => {
  expect(await killIn('post-install.d', signal)).toBe(status)
  expect(await leftovers(work)).toEqual([])
})

test('the build after a killed one is right', async () => {
  const result = await create(work, args)
  expect(result.exitCode, result.output).toBe(0)
})
