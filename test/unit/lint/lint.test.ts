import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lint } from '../../../builder/lint/lint.ts'
import { run } from '../../../lib/exec.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const good =
  '#!/bin/bash\nif [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then\n    set -x\nfi\nset -eu\nset -o pipefail\n'
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lint-'))
  write('elements/app/README.rst', '===\napp\n===\n')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function write(path: string, content: string, mode = content.startsWith('#!') ? 0o755 : 0o644): void {
  const file = join(directory, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  chmodSync(file, mode)
}

/** The complaints about the tree, with its own path taken out. */
async function complaints(): Promise<string[]> {
  const lines: string[] = []
  await lint({
    elements: [join(directory, 'elements')],
    library: join(directory, 'lib'),
    say: (line) => lines.push(line),
  })
  return lines
    .filter((line) => line.startsWith('ERROR'))
    .map((line) => line.replaceAll(`${directory}/elements/`, ''))
}

describe('a script of an element', () => {
  test('that follows the conventions is fine', async () => {
    write('elements/app/install.d/50-app', `${good}echo fine\n`)
    expect(await complaints()).toEqual([])
  })

  test.each([
    [
      'is not executable',
      { content: `${good}`, mode: 0o644 },
      'is a script and is not executable [executable]',
    ],
    [
      'has odd indents',
      { content: `${good}if true; then\n  echo\nfi\n` },
      'is not indented by multiples of four spaces [indent]\n8:  echo',
    ],
    ['has tabs', { content: `${good}\techo\n` }, 'is indented with tabs [tabindent]'],
    ['has no final newline', { content: `${good}echo` }, 'has no newline at its end [newline]'],
    [
      'runs another bash',
      { content: good.replace('/bin/bash', '/usr/bin/env bash') },
      'must begin with #!/bin/bash',
    ],
    ['goes on after errors', { content: good.replace('-eu', '-u') }, '[sete]'],
    ['takes unset variables', { content: good.replace('-eu', '-e') }, '[setu]'],
    ['misses failures in pipes', { content: good.replace('set -o pipefail\n', '') }, '[setpipefail]'],
    ['cannot be traced', { content: '#!/bin/bash\nset -eu\nset -o pipefail\n' }, '[dibdebugtrace]'],
    [
      'hides a failure behind export',
      { content: `${good}export A=$(b)\n` },
      'exports the output of a command',
    ],
    ['looks for programs with which', { content: `${good}which ls\n` }, '[which]\n -- which ls'],
  ])('that %s is named', async (_, { content, ...rest }, complaint) => {
    write('elements/app/install.d/50-app', content, 'mode' in rest ? rest.mode : 0o755)
    const found = await complaints()
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`ERROR: app/install.d/50-app `)
    expect(found[0]).toContain(complaint)
  })

  test('may switch a rule off for itself', async () => {
    write(
      'elements/app/install.d/50-app',
      '#!/bin/bash\n# dib-lint: disable=sete setu setpipefail\n# dib-lint: disable=dibdebugtrace\n',
    )
    expect(await complaints()).toEqual([])
  })

  test('outside the chroot uses sudo on the tree only', async () => {
    write(
      'elements/app/root.d/50-app',
      `${good}sudo rm $TARGET_ROOT/x\nsudo \\\n    cp a $TMP_MOUNT_PATH\n# sudo in a comment\nsudo a # dib-lint: safe_sudo\nsudo rm /x\n`,
    )
    expect(await complaints()).toEqual([
      'ERROR: app/root.d/50-app uses sudo outside the tree that is built, perhaps [safe_sudo]\n -- sudo rm /x',
    ])
  })

  test('inside the chroot may use it as it likes', async () => {
    write('elements/app/install.d/50-app', `${good}sudo rm /x\n`)
    expect(await complaints()).toEqual([])
  })
})

describe('an element', () => {
  test('has a readme in reStructuredText', async () => {
    mkdirSync(join(directory, 'elements/bare'))
    write('elements/app/NOTES.md', '# x\n')
    expect(await complaints()).toEqual([
      `ERROR: bare lacks a README.rst`,
      expect.stringContaining('found: app/NOTES.md [mddocs]'),
    ])
  })

  test('sorts its dependencies; comments do not count', async () => {
    write('elements/app/element-deps', '# first\na\n\nc\nb\n')
    expect(await complaints()).toEqual([
      'ERROR: app/element-deps is not sorted alphabetically: b comes before c',
    ])
    write('elements/app/element-deps', '# z\na\nb\n')
    expect(await complaints()).toEqual([])
  })

  test('has environment files that neither trace nor run', async () => {
    write('elements/app/environment.d/10-app', 'set -x\n', 0o755)
    expect(await complaints()).toEqual([
      'ERROR: app/environment.d/10-app is an environment file and must not set tracing',
      'ERROR: app/environment.d/10-app is an environment file and must not be executable',
    ])
  })

  test('has data files that can be read', async () => {
    write('elements/app/package-installs.yaml', 'a: [\n')
    write('elements/app/pkg-map', '{"a": }')
    write('elements/app/source-repository-app', 'app git /opt/app https://x')
    expect((await complaints()).map((line) => line.split(':', 2).join(':'))).toEqual([
      'ERROR: app/source-repository-app does not end with a newline, so its last line would be lost',
      'ERROR: app/package-installs.yaml is not a valid YAML file',
      'ERROR: app/pkg-map is not a valid JSON file',
    ])
  })

  test('may hold binary files', async () => {
    writeFileSync(join(directory, 'elements/app/logo.png'), Buffer.from([0x89, 0x50, 0, 255, 10]))
    expect(await complaints()).toEqual([])
  })
})

describe('the command', () => {
  const dibLint = (args: readonly string[] = [], env: Record<string, string> = {}) =>
    run([join(root, 'builder/bin/dib-lint'), ...args], {
      cwd: directory,
      env: { ...process.env, ...env },
      check: false,
    })

  test('says PASS, or fails', async () => {
    write('elements/app/install.d/50-app', good)
    const fine = await dibLint()
    expect(fine).toMatchObject({ exitCode: 0, stderr: '' })
    expect(fine.stdout.split('\n')).toEqual([
      `Running dib-lint in ${directory}`,
      'Checking elements/app/install.d/50-app',
      'Checking indents...',
      'Checking YAML parsing...',
      'Checking pkg-map files...',
      'PASS',
      '',
    ])
    write('elements/app/install.d/50-app', good, 0o644)
    const bad = await dibLint()
    expect(bad.exitCode).toBe(1)
    expect(bad.stdout).toMatch(/\*\*\* FAIL: Some tests failed!\n$/)
  })

  test('looks where it is told, also at library files', async () => {
    write('other/app/README.rst', 'x\n')
    write('library/file', '\tx\n')
    const result = await dibLint([], { ELEMENTS_DIR: 'other', LIB_DIR: 'library' })
    expect(result.stdout).toContain('ERROR: library/file is indented with tabs')
    expect((await dibLint(['no/such/tree'])).stderr).toContain('no/such/tree is not a directory of elements')
  })

  test('leaves out rules that tox.ini names and files that git ignores', async () => {
    write('elements/app/install.d/50-app', '#!/bin/bash\nset -eu\nwhich x\n')
    write('elements/app/install.d/51-app', '#!/bin/bash\n')
    write(
      'tox.ini',
      '[other]\nignore = setu\n[dib-lint]\nignore = setpipefail\n  dibdebugtrace\n\nlater = sete\n',
    )
    write('.gitignore', '51-app\n')
    await run(['git', 'init', '-q'], { cwd: directory })
    const result = await dibLint()
    expect(result.stdout).toContain('Skipping elements/app/install.d/51-app')
    expect(result.stdout.match(/^ERROR.*/gm)).toEqual([
      'ERROR: elements/app/install.d/50-app may use which, where command -v is at hand [which]',
    ])
  })

  test('gives Python scripts to flake8 when it is there', async () => {
    write('bin/flake8', '#!/bin/sh\necho "E1 bad: $2"\nexit 1\n')
    write('elements/app/bin/tool', '#!/usr/bin/env dib-python\n')
    const path = `${join(directory, 'bin')}:${process.env.PATH}`
    expect((await dibLint([], { PATH: path })).stdout).toContain(
      'ERROR: elements/app/bin/tool failed flake8\nE1 bad: elements/app/bin/tool',
    )
  })
})

test.each(['elements', 'builder/elements'])('our own elements in %s follow the conventions', async (tree) => {
  const lines: string[] = []
  const errors = await lint({ elements: [join(root, tree)], say: (line) => lines.push(line) })
  expect(lines.filter((line) => line.startsWith('ERROR'))).toEqual([])
  expect(errors).toBe(0)
  expect(lines.filter((line) => line.startsWith('Checking ')).length).toBeGreaterThan(20)
})
