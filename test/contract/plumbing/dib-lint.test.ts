import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const theirLint = '/usr/bin/dib-lint'
const installed = await run([theirLint, '--version'], {
  cwd: '/tmp',
  check: false,
  env: { PATH: '/usr/bin:/bin', ELEMENTS_DIR: '/nonexistent', LIB_DIR: '/nonexistent' },
}).then(
  () => true,
  () => false,
)
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dib-lint-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const good =
  '#!/bin/bash\nif [ "${DIB_DEBUG_TRACE:-0}" -gt 0 ]; then\n    set -x\nfi\nset -eu\nset -o pipefail\n'
/** Trees of one element each, fine or with one mistake. */
const cases: Readonly<Record<string, { content: string; mode?: number; path?: string }>> = {
  fine: { content: `${good}echo\n` },
  'not executable': { content: good, mode: 0o644 },
  'odd indent': { content: `${good}      echo\n` },
  'eight spaces': { content: `${good}        echo\n` },
  'tab indent': { content: `${good}\techo\n` },
  'tab later': { content: `${good}echo\tx\n` },
  'no newline': { content: `${good}echo` },
  'env bash': { content: good.replace('/bin/bash', '/usr/bin/env bash') },
  'no -e': { content: good.replace('-eu', '-u') },
  'no -u': { content: good.replace('-eu', '-e') },
  '-ux': { content: good.replace('-eu', '-eux') },
  'no pipefail': { content: good.replace('set -o pipefail\n', '') },
  'no trace': { content: '#!/bin/bash\nset -eu\nset -o pipefail\n' },
  'plain sh': { content: '#!/bin/sh\necho\n' },
  disabled: { content: '#!/bin/bash\n# dib-lint: disable=sete setu setpipefail dibdebugtrace\n' },
  'export of output': { content: `${good}export A=$(b)\n` },
  which: { content: `${good}which ls\n` },
  'which in a comment': { content: `${good}    # which ls\n` },
  'which allowed': { content: `${good}which ls # dib-lint: which\n` },
  sudo: { content: `${good}sudo rm /x\n` },
  'sudo on the tree': { content: `${good}sudo rm $TARGET_ROOT/x\n` },
  'sudo over two lines': { content: `${good}sudo \\\n    rm $TMP_MOUNT_PATH/x\n` },
  'environment file': { content: 'set -x\n', path: 'environment.d/10-x' },
  'executable environment file': { content: 'export A=1\n', path: 'environment.d/10-x', mode: 0o755 },
  'sorted dependencies': { content: '# z\na\n\nb\n', path: 'element-deps' },
  'unfinished source': { content: 'a git /a b', path: 'source-repository-a' },
  'broken yaml': { content: 'a: [\n', path: 'package-installs.yaml' },
  'broken package map': { content: '{', path: 'pkg-map' },
  markdown: { content: 'x\n', path: 'README.md' },
  'readme with tabs': { content: '\tx\n', path: 'README.rst' },
}

describe.skipIf(!installed)('dib-lint, compared with disk-image-builder’s', () => {
  test('the same elements are complained about, as often, with the same status', async () => {
    const element = (name: string) => name.replaceAll(' ', '-')
    for (const [name, { content, mode, path }] of Object.entries(cases)) {
      const home = join(directory, 'elements', element(name))
      const file = join(home, path ?? 'root.d/50-app')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(join(home, 'README.rst'), 'x\n')
      writeFileSync(file, content)
      chmodSync(file, mode ?? (content.startsWith('#!') ? 0o755 : 0o644))
    }
    mkdirSync(join(directory, 'elements/without-readme'))
    // Their script calls "python", which Debian has under another name.
    mkdirSync(join(directory, 'bin'))
    mkdirSync(join(directory, 'lib'))
    symlinkSync('/usr/bin/python3', join(directory, 'bin/python'))
    const env = { PATH: `${directory}/bin:/usr/bin:/bin`, ELEMENTS_DIR: 'elements', LIB_DIR: 'lib' }
    const look = async (program: string) => {
      const { exitCode, stdout } = await run([program], { cwd: directory, env, check: false })
      const complaints = stdout.match(/^ERROR: .*/gm) ?? []
      const elements = complaints.map((line) => /elements\/([^/\s]+)/.exec(line)?.[1]).sort()
      return { exitCode, elements, last: stdout.trimEnd().split('\n').at(-1) }
    }
    const [theirs, ours] = await Promise.all([look(theirLint), look(join(root, 'builder/bin/dib-lint'))])
    expect(theirs.elements.length).toBeGreaterThan(15)
    expect(ours).toEqual(theirs)
  })
})
