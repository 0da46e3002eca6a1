import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { withElements } from './engine-elements.ts'
import { bin, create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
const STAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| /

test('-p installs packages after install.d and before post-install.d', async () => {
  const args = [
    '-n',
    '-o',
    'p',
    '-t',
    'tar',
    '-p',
    'one,two',
    '-p',
    'three',
    'tiny-os',
    'fake-packages',
    'every-phase',
  ]
  const { output } = await create(work, args)
  const order = output.split('\n').filter((line) => /^(PACKAGES|PHASE (post-)?install)/.test(line))
  expect(order.map((line) => line.replace(/ cwd=.*/, ''))).toEqual([
    'PHASE install.d',
    'PACKAGES one two three',
    'PHASE post-install.d',
  ])
})

test.each([
  [
    ['fake-packages'],
    'unknown-package',
    100,
    /Unable to locate package unknown-package/,
    /messages are above/,
  ],
  [[], 'any', 127, /install-packages/, /No element put install-packages into the image/],
] as const)('with %j, -p %s ends the build with status %i', async (elements, name, status, message, hint) => {
  const result = await create(work, ['-n', '-o', 'p', '-t', 'tar', '-p', name, 'tiny-os', ...elements])
  expect(result.exitCode).toBe(status)
  expect(result.output).toMatch(message)
  expect(result.output).toMatch(
    new RegExp(
      `could not be installed: install-packages ${name} ended with status ${status}\nhint: .*${hint.source}`,
    ),
  )
  expect(await leftovers(work)).toEqual([])
})

test('every -x traces scripts more', async () => {
  const path = await withElements(work, {
    'trace-level/install.d/50-trace-level':
      '#!/bin/bash\nif [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then\n    set -x\nfi\nset -eu\nset -o pipefail\necho "LEVEL $DIB_DEBUG_TRACE"\n',
  })
  const args = ['-n', '-o', 'x', '-t', 'tar', '-x', '-x', 'tiny-os', 'trace-level']
  const { output } = await create(work, args, { ELEMENTS_PATH: path, DIB_DEBUG_TRACE: '1' })
  expect(output).toMatch(/^\+ echo 'LEVEL 3'\nLEVEL 3$|^LEVEL 3\n\+ echo 'LEVEL 3'$/m)
})

test('RUN_PARTS_REGEX says which names run; tracing lists those that do not', async () => {
  const args = ['-n', '-o', 'regex', '-t', 'tar', '-x', 'tiny-os', 'odd-scripts']
  const { output } = await create(work, args, { RUN_PARTS_REGEX: '^[0-9]+-[a-z.-]+$' })
  expect([...output.matchAll(/^RAN (\S+)/gm)].map((match) => match[1])).toEqual([
    '9-nine',
    '10-ten',
    '20-without-shebang',
    'linked',
    '40-dotted.sh',
    '60-from-source',
    '100-hundred',
  ])
  expect(output).toMatch(/^dib-run-parts Ignoring non-executable files: .*50-not-executable/m)
  expect(output).toMatch(/^dib-run-parts Ignoring non-conforming filenames: .*unnumbered/m)
})

test.each([
  ['DIB_INSTALLTYPE_odd_scripts', ['-n']],
  ['DIB_DEFAULT_INSTALLTYPE', ['-n']],
  ['UNUSED', ['-n', '--install-type', 'package']],
] as const)('%s and %j choose the install type', async (variable, options) => {
  const args = [...options, '-o', 'type', '-t', 'tar', 'tiny-os', 'odd-scripts']
  const { output } = await create(work, args, { [variable]: 'package' })
  expect(output).toMatch(/^RAN 60-from-package$/m)
  expect(output).not.toMatch(/^RAN 60-from-source$/m)
})

test("--install-type wins over the caller's DIB_DEFAULT_INSTALLTYPE", async () => {
  const args = ['-n', '--install-type', 'package', '-o', 'type', '-t', 'tar', 'tiny-os', 'odd-scripts']
  const { output } = await create(work, args, { DIB_DEFAULT_INSTALLTYPE: 'source' })
  expect(output).toMatch(/^RAN 60-from-package$/m)
})

test('base comes first unless -n or SKIP_BASE=1 says otherwise', async () => {
  const building = async (args: string[], extra = {}) => {
    const { stdout } = await create(work, [...args, 'tiny-os', 'nope'], extra)
    return stdout.trim()
  }
  expect(await building([])).toBe('Building elements: base tiny-os nope')
  expect(await building(['-n'])).toBe('Building elements: tiny-os nope')
  expect(await building([], { SKIP_BASE: '1' })).toBe('Building elements: tiny-os nope')
})

test("-c clears the caller's environment, ELEMENTS_PATH and TMP_DIR included", async () => {
  const result = await create(work, ['-c', 'tiny-os'])
  expect(result.exitCode).toBe(1)
  expect(result.stderr).toMatch(/^Element 'tiny-os' not found\nhint: /)
  expect(result.stderr).not.toContain('fixtures')
})

test.each([
  [{ DIB_NO_TIMESTAMP: '1' }, false, undefined, true],
  [{ DIB_NO_TIMESTAMP: '0' }, true, undefined, true],
  [{ DIB_QUIET: '1' }, false, undefined, false],
  [{ DIB_QUIET: '1' }, false, 'quiet.log', false],
  [{}, false, 'log.log', false],
  [{ DIB_QUIET: '0' }, false, 'both.log', true],
] as const)(
  'with %j, timestamps %s, --logfile %s: shown on the terminal: %s',
  async (extra, stamped, logFile, shown) => {
    // The refusal comes right after the first line, so this needs no build.
    const args = ['-n', ...(logFile === undefined ? [] : ['--logfile', logFile]), 'tiny-os', 'nope']
    const { stdout, stderr } = await create(work, args, extra)
    const announced = logFile === undefined ? '' : `Output logs going to: ${logFile}\n`
    expect(stdout.replace(STAMP, '')).toBe(`${announced}${shown ? 'Building elements: tiny-os nope\n' : ''}`)
    if (shown && logFile === undefined) expect(STAMP.test(stdout)).toBe(stamped)
    if (logFile !== undefined) {
      const log = await readFile(`${work}/${logFile}`, 'utf8')
      expect(log).toMatch(STAMP)
      expect(log.replace(STAMP, '')).toBe('Building elements: tiny-os nope\n')
    }
    expect(stderr).toMatch(/^Element 'nope' not found\nhint: /)
  },
)

test('a log file is appended to', async () => {
  const args = ['-n', '--logfile', 'twice.log', 'tiny-os', 'nope']
  await create(work, args)
  await create(work, args)
  expect((await readFile(`${work}/twice.log`, 'utf8')).match(/Building elements/g)).toHaveLength(2)
})

test('a build that fails in silence still says why on standard error', async () => {
  const args = ['-n', '-o', 'silent', '-t', 'tar', '--logfile', 'silent.log', 'tiny-os', 'every-phase']
  const { stdout, stderr, exitCode } = await create(work, args, { FAIL_IN: 'root.d' })
  expect([exitCode, stdout]).toEqual([37, 'Output logs going to: silent.log\n'])
  expect(stderr).toMatch(
    /^root\.d\/90-every-phase of element every-phase failed with status 37 .*\nhint: .*\n$/,
  )
})

test('too little memory for a tmpfs build is a warning, and the build is on disk', async () => {
  const args = ['-n', '-o', 'memory', '-t', 'tar', '--min-tmpfs', '1000000', 'tiny-os', 'phase-environment']
  const { output, exitCode } = await create(work, args)
  expect(exitCode).toBe(0)
  expect(output).toMatch(
    new RegExp(
      `^WARNING: Not enough RAM to use tmpfs for build\\. Using ${work}\\. \\(\\d+ < 2000000G\\)$`,
      'm',
    ),
  )
  // The hooks are a bind mount of what holds the build directory.
  expect(output).not.toMatch(/^MOUNT \/tmp\/in_target\.d tmpfs/m)
})

test.each(['disk-image-create', 'ramdisk-image-create'])(
  '%s says its version and its help, whatever else is wrong',
  async (name) => {
    const version = await run([bin(name), '--version', '--wrong'], { check: false })
    expect(version.exitCode).toBe(1)
    expect((await run([bin(name), 'nope', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await run([bin(name), '-h', 'nope'])).stdout).toMatch(new RegExp(`^Usage: ${name} \\[OPTION\\]`))
  },
)

test('DIB_SHOW_IMAGE_USAGE lists what takes 10 MiB and more', async () => {
  const result = await create(work, ['-n', '-o', 'usage', '-t', 'tar', 'tiny-os'], {
    DIB_SHOW_IMAGE_USAGE: '1',
  })
  const table = result.output.split('Disk usage of the image in KiB:\n')[1] ?? ''
  expect(table).toMatch(/^\d{5,}\t\.$/m)
  expect(table).not.toContain('./etc/hostname')
})
