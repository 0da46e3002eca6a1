import { existsSync, readFileSync } from 'node:fs'
import { globSync } from 'glob'
import { describe, expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const files = globSync('{lib,phases,builder,registry,runtime}/**/*.ts', {
  cwd: root,
  ignore: '**/elements/**/*.ts',
}).sort()
const source = (file: string) => readFileSync(`${root}${file}`, 'utf8')
const imports = (file: string) =>
  [...source(file).matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '')
const room = (file: string) => file.split('/')[0] ?? ''

/** What each room may import from, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  phases: ['lib'],
  registry: ['lib', 'phases'],
  builder: ['lib', 'phases', 'registry'],
  runtime: ['lib', 'phases', 'registry'],
}

test('the sources are seen at all', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(new Set(files.map(room))).toContain('phases')
})

test('no arrow runs the wrong way between the rooms', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((path) => path.startsWith('.'))
      .map((path) => new URL(path, `file:///${file}`).pathname.slice(1))
      .filter((target) => room(target) !== room(file) && !(allowed[room(file)] ?? []).includes(room(target)))
      .map((target) => `${file} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

describe('each dangerous thing has one door', () => {
  const users = (pattern: RegExp, doors: readonly string[]) =>
    files.filter((file) => !doors.includes(file) && pattern.test(source(file)))

  test('processes are started in lib only', () => {
    expect(
      users(/child_process|from 'execa'|from 'zx'/, [
        'lib/exec.ts',
        'lib/reaper.ts',
        'lib/worker-process.ts',
      ]),
    ).toEqual([])
  })

  test('mount(8) and umount(8) are called in lib/mount.ts only', () => {
    expect(users(/run\(\[\s*'u?mount'/, ['lib/mount.ts'])).toEqual([])
  })

  test('trees are deleted in lib/tree.ts only', () => {
    expect(users(/'rm',\s*'-rf?'|rm -rf/, ['lib/tree.ts', 'lib/reaper.ts'])).toEqual([])
  })

  test('nothing is printed through console', () => {
    expect(users(/\bconsole\.(log|error|warn|info)\(/, [])).toEqual([])
  })
})

test('no file is two ideas long', () => {
  const long = files
    .map((file) => ({ file, lines: source(file).split('\n').length }))
    .filter(({ lines }) => lines > 500)
  expect(long).toEqual([])
})

test('nothing names a package registry, a mirror or a path of one machine', () => {
  const tracked = globSync('{lib,phases,builder,elements,docs,test,tools}/**/*', {
    cwd: root,
    nodir: true,
    ignore: 'test/architecture/**',
  })
  // Assembled so that this file does not name what it forbids.
  const forbidden = new RegExp(
    [
      'deb' + '\\.debian\\.org',
      'registry' + '\\.npmjs',
      'ftp\\.[a-z]+' + '\\.debian',
      '/wor' + 'k/main',
    ].join('|'),
  )
  expect(tracked.length).toBeGreaterThan(100)
  const readable = tracked.filter((file) => existsSync(`${root}${file}`))
  expect(readable.filter((file) => forbidden.test(readFileSync(`${root}${file}`, 'latin1')))).toEqual([])
})
