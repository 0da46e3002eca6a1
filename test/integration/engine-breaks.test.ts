import { beforeAll, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { bin, buildEnvironment, create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
const args = ['-n', '-o', 'broken', '-t', 'tar', 'tiny-os', 'every-phase']

/** The lines of output that breaks are about. */
const told = (output: string) =>
  output
    .split('\n')
    .filter((line) => /^(Starting debug|At stage|Resuming|BREAK|PHASE install|PHASE extra)/.test(line))
    .map((line) => line.replace(/ cwd=.*/, ''))

let output = ''
beforeAll(async () => {
  // Commands for the shells come on standard input: each shell reads what the one before it left.
  const result = await run([bin('disk-image-create'), ...args], {
    cwd: work,
    env: buildEnvironment(work, {
      break: 'before-extra-data,after-extra-data,before-install,before-finalise',
      break_cmd: 'echo BREAK command',
    }),
    input: 'echo BREAK shell $(cat /etc/hostname)\n',
    check: false,
  })
  output = result.stdout
  expect(result.exitCode, output).toBe(0)
})

test('break_cmd runs before an outside phase; after it, and inside, there is a shell', () => {
  const stages = told(output)
  expect(stages.slice(0, 6)).toEqual([
    'Starting debug shell. Exit to resume building.',
    'At stage before-extra-data',
    'BREAK command',
    'Resuming',
    'PHASE extra-data.d',
    'Starting debug shell. Exit to resume building.',
  ])
  expect(stages[6]).toBe('At stage after-extra-data')
  expect(stages.filter((line) => line === 'BREAK command')).toHaveLength(1)
  expect(stages.filter((line) => line.startsWith('BREAK shell'))).toHaveLength(1)
})

test('the build goes on after every shell', () => {
  expect(told(output).filter((line) => line === 'Resuming')).toHaveLength(4)
  expect(output).toContain('At stage before-finalise')
  expect(output).toContain('Build completed successfully')
})

test('a shell before an inside phase is in the chroot', async () => {
  const result = await run([bin('disk-image-create'), ...args], {
    cwd: work,
    env: buildEnvironment(work, { break: 'before-install' }),
    input: 'echo BREAK in $PWD of $(cat /etc/hostname)\nexit 3\n',
    check: false,
  })
  expect(told(result.stdout)).toContain('BREAK in / of tiny')
  expect(result.exitCode).toBe(0)
})

test('a break of a phase that no element has does not fire inside, but does outside', async () => {
  const wanted = { break: 'before-install,before-cleanup,after-cleanup', break_cmd: 'echo BREAK' }
  const result = await create(work, ['-n', '-o', 'bare', '-t', 'tar', 'tiny-os'], wanted)
  const stages = told(result.output).filter((line) => line.startsWith('At'))
  expect(stages).toEqual(['At stage before-cleanup', 'At stage after-cleanup'])
})

test.each([
  ['install.d', {}, 'tiny'],
  ['install.d', { break_outside_target: '1' }, undefined],
  ['block-device.d', {}, undefined],
] as const)(
  'after an error in %s with %j there is a shell in the right place, and the status stays',
  async (phase, where, hostname) => {
    const wanted = {
      break: 'after-error',
      break_cmd: 'cat /etc/hostname',
      FAIL_IN: phase,
      FAIL_WITH: '41',
      ...where,
    }
    const result = await create(work, args, wanted)
    expect(result.exitCode).toBe(41)
    const here = hostname ?? (await run(['cat', '/etc/hostname'])).stdout.trim()
    expect(result.stdout).toContain(
      `At stage after-error\n${here}\nResuming\n${phase}/90-every-phase of element`,
    )
    expect(await leftovers(work)).toEqual([])
  },
)

test('there is no break after an error in another outside phase', async () => {
  const result = await create(work, args, { break: 'after-error', FAIL_IN: 'extra-data.d' })
  expect(result.exitCode).toBe(37)
  expect(told(result.output)).toEqual(['PHASE extra-data.d'])
})
