import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RunResult, run } from '../../../lib/exec.ts'
import { sortScripts } from '../../../phases/order.ts'
import { profileTable } from '../../../phases/profile.ts'
import { listScripts } from '../../../phases/run-parts-listing.ts'
import { makeTree, type Tree, type TreeFile } from '../../unit/phases/element-tree.ts'
import { realDib, unlessReal } from './real-dib.ts'

const OURS = fileURLToPath(new URL('../../../builder/bin/dib-run-parts', import.meta.url))
const SAY = '#!/bin/bash\necho "$(basename "$0") A=${A-unset} B=${B-unset} $# $(pwd)"\n'

function start(
  program: string,
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  return run([program, ...args], { cwd, env: { PATH: process.env.PATH, LC_ALL: 'C', ...env }, check: false })
}

/** Standard error without trace lines, with every duration as 0.000. */
function log(result: RunResult): string[] {
  return result.stderr
    .split('\n')
    .filter((line) => !line.startsWith('+'))
    .map((line) => line.replace(/ \d+\.\d{3}$/, (seconds) => '0.000'.padStart(seconds.length)))
}

describe('dib-run-parts', () => {
  test('announces environment files and scripts, and ends with the PROFILING table', async () => {
    const root = await makeTree({
      'install.d/10-b': SAY,
      'install.d/9-a': { text: 'echo "no shebang: $A"\n', mode: 0o755 },
      'install.d/notes.txt': 'x\n',
      'environment.d/10-x.bash': 'export A=from-x\nB=not-exported\n',
      'environment.d/9-y': 'export A="$A-$B"\n',
    })
    const result = await start(OURS, root, ['install.d'])
    expect(result.exitCode).toBe(0)
    expect(result.stdout).toBe(
      `no shebang: from-x-not-exported\n10-b A=from-x-not-exported B=unset 0 ${root}\n`,
    )
    const rows = ['10-b', '9-a'].map((script) => ({ script, seconds: 0 }))
    expect(log(result)).toEqual([
      'dib-run-parts Sourcing environment file install.d/../environment.d/10-x.bash',
      'dib-run-parts Sourcing environment file install.d/../environment.d/9-y',
      'dib-run-parts Running install.d/9-a',
      'dib-run-parts 9-a completed',
      'dib-run-parts Running install.d/10-b',
      'dib-run-parts 10-b completed',
      ...profileTable('install.d', rows).map((line) => `dib-run-parts ${line}`),
      '',
    ])
  })

  test('ends at the first script that fails, with its status and without a table', async () => {
    const root = await makeTree({ 'a.d/10-a': '#!/bin/sh\nexit 37\n', 'a.d/20-b': SAY })
    const result = await start(OURS, root, ['a.d'])
    expect([result.exitCode, result.stdout]).toEqual([37, ''])
    expect(log(result)).toEqual(['dib-run-parts Running a.d/10-a', ''])
  })

  test('an environment file that fails, or reads an unset variable, ends the phase before any script', async () => {
    for (const text of ['false\n', 'echo "$NO_SUCH_VARIABLE"\n', 'false | true\n']) {
      const root = await makeTree({ 'a.d/10-a': SAY, 'environment.d/10-bad': text })
      const result = await start(OURS, root, ['a.d'])
      expect([result.exitCode, result.stdout]).toEqual([1, ''])
    }
  })

  test('an environment file may return', async () => {
    const root = await makeTree({
      'a.d/10-a': SAY,
      'environment.d/10-x': 'export A=1\nreturn 0\nexport A=2\n',
    })
    expect((await start(OURS, root, ['a.d'])).stdout).toContain('A=1 ')
  })

  test('an environment file that calls exit is an error that names it, not a phase without scripts', async () => {
    const root = await makeTree({ 'a.d/10-a': SAY, 'environment.d/10-x': 'exit 0\n' })
    const result = await start(OURS, root, ['a.d'])
    expect([result.exitCode, result.stdout]).toEqual([1, ''])
    expect(log(result)).toContain(
      'dib-run-parts ERROR: environment file a.d/../environment.d/10-x called exit: no script of a.d would run',
    )
  })

  test('an environment.d without a single good name stops nothing', async () => {
    const root = await makeTree({ 'a.d/10-a': SAY, 'environment.d/10-x~': 'exit 1\n' })
    expect((await start(OURS, root, ['a.d'])).exitCode).toBe(0)
  })

  test('environment files may change IFS, PATH and errexit without upsetting the run', async () => {
    const root = await makeTree({
      'a.d/10-a': { text: 'echo ran\n', mode: 0o755 },
      'a.d/20-b': '#!/bin/bash\nexit 3\n',
      'a.d/30-c': SAY,
      'environment.d/10-x': 'set +e\nIFS=-\nname=other\nexport PATH=/usr/bin:/bin\n',
    })
    const result = await start(OURS, root, ['a.d'])
    expect([result.exitCode, result.stdout]).toEqual([3, 'ran\n'])
    expect(log(result)).toContain('dib-run-parts Running a.d/20-b')
  })

  test('--list prints the scripts in order and sources nothing', async () => {
    const root = await makeTree({
      'a.d/10-a': SAY,
      'a.d/9-b': SAY,
      'a.d/c.sh': SAY,
      'environment.d/1': 'exit 5\n',
    })
    const result = await start(OURS, root, ['--list', 'a.d'])
    expect([result.exitCode, result.stdout, result.stderr]).toEqual([0, 'a.d/9-b\na.d/10-a\n', ''])
  })

  test('tracing tells what was skipped', async () => {
    const root = await makeTree({ 'a.d/10-a.sh': SAY, 'a.d/20-b': 'x\n', 'a.d/data': 'x\n' })
    expect(log(await start(OURS, root, ['a.d'], { DIB_DEBUG_TRACE: '1' })).slice(0, 2)).toEqual([
      'dib-run-parts Ignoring non-executable files: 20-b data',
      'dib-run-parts Ignoring non-conforming filenames: 10-a.sh',
    ])
  })

  test('without a directory it says how it is used and fails', async () => {
    for (const args of [[], ['/nonexistent'], ['--list']]) {
      const result = await start(OURS, '/', args)
      expect([result.exitCode, result.stdout]).toEqual([1, ''])
      expect(result.stderr).toContain('Usage: dib-run-parts [--list] DIR')
    }
  })

  test('a RUN_PARTS_REGEX that is no regular expression is an error', async () => {
    const root = await makeTree({ 'a.d/10-a': SAY })
    const result = await start(OURS, root, ['a.d'], { RUN_PARTS_REGEX: '(unclosed' })
    expect([result.exitCode, result.stdout]).toEqual([1, ''])
    expect(result.stderr).toContain('RUN_PARTS_REGEX')
  })
})

const name = fc
  .stringMatching(/^[-_.~0-9a-zA-Z]{1,6}$/)
  // The real program prints names with echo, which takes these for options.
  .filter((text) => !['.', '..'].includes(text) && !/^-[neE]+$/.test(text))
const file: fc.Arbitrary<TreeFile> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(SAY) },
  { weight: 1, arbitrary: fc.constant('not executable\n') },
  { weight: 1, arbitrary: fc.constant({ link: '../bin/tool' }) },
  { weight: 1, arbitrary: fc.constant({ link: 'nowhere' }) },
  { weight: 1, arbitrary: fc.constantFrom({ text: '#!/bin/sh\nexit 7\n', mode: 0o755 }) },
)
const environmentFile = fc.constantFrom('export A=1\n', 'export A=${A:-}2\n', 'B=1\n', ':\n')
const tree: fc.Arbitrary<Tree> = fc
  .tuple(fc.dictionary(name, file, { maxKeys: 8 }), fc.dictionary(name, environmentFile, { maxKeys: 4 }))
  .map(
    ([scripts, environment]): Tree => ({
      'bin/tool': SAY,
      'phase.d/sub/10-x': SAY,
      // Without a good name here the real program ends with status 1; that difference is tested above.
      'environment.d/10-good': 'export A=0\n',
      ...Object.fromEntries(Object.entries(scripts).map(([key, value]) => [`phase.d/${key}`, value])),
      ...Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [`environment.d/${key}`, value]),
      ),
    }),
  )
  .filter((files) => files['phase.d/sub'] === undefined)

test('phases/ and dib-run-parts --list agree on what runs, and in which order', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (files) => {
      const root = await makeTree(files)
      const listed = (await start(OURS, root, ['--list', 'phase.d'])).stdout.split('\n').slice(0, -1)
      const { run: scripts } = await listScripts(`${root}/phase.d`)
      expect(listed).toEqual(scripts.map((script) => `phase.d/${script}`))
      expect(sortScripts([...scripts].reverse())).toEqual(scripts)
    }),
    { numRuns: 25 },
  )
})

describe.skipIf(realDib === undefined)(`beside the real dib-run-parts${unlessReal}`, () => {
  const real = realDib?.runParts ?? ''

  test('whatever the directory: the same output, the same log, the same status', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        const root = await makeTree(files)
        const [ours, theirs] = await Promise.all(
          [OURS, real].map((program) => start(program, root, ['phase.d'])),
        )
        expect(ours?.stdout).toBe(theirs?.stdout)
        expect(ours?.exitCode).toBe(theirs?.exitCode)
        expect(ours && log(ours)).toEqual(theirs && log(theirs))
      }),
      { numRuns: 15 },
    )
  })

  test.each([
    ['a custom regex', { RUN_PARTS_REGEX: '[.]sh$' }, {}],
    ['an empty environment.d directory entry', {}, { 'environment.d/sub/10-x': 'exit 9\n' }],
    ['a failing environment file', {}, { 'environment.d/20-x': 'export A\nfalse\n' }],
    ['an environment file with its own status', {}, { 'environment.d/20-x': 'exit 5\n' }],
    ['a script ended by a signal', {}, { 'a.d/15-kill': '#!/bin/bash\nkill -TERM $$\n' }],
    ['a shebang of nothing', {}, { 'a.d/15-x': '#!/nonexistent\n' }],
  ])('%s', async (_, env, more: Tree) => {
    const root = await makeTree({
      'a.d/10-a': SAY,
      'a.d/20-b.sh': SAY,
      'environment.d/10-x': 'export A=1\n',
      ...more,
    })
    const [ours, theirs] = await Promise.all(
      [OURS, real].map((program) => start(program, root, ['a.d'], env)),
    )
    expect(ours?.stdout).toBe(theirs?.stdout)
    expect(ours?.exitCode).toBe(theirs?.exitCode)
  })
})
