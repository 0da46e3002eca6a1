import { afterEach, describe, expect, test } from 'vitest'
import {
  addPackages,
  type Squashed,
  squashedJson,
  squashedTable,
} from '../../../builder/plumbing/package-installs/squash.ts'
import { parseYaml } from '../../../builder/plumbing/yaml.ts'
import { makeStage, type Stage } from './stage.ts'

/** What a package-installs file asks for, as the table the image reads. */
function table(yaml: string, env: Record<string, string> = {}, element = 'app'): string[] {
  const result: Squashed = new Map()
  addPackages(result, parseYaml(yaml, 'file'), element, { ARCH: 'amd64', ...env })
  return rows(result)
}

function rows(result: Squashed): string[] {
  return squashedTable(result)
    .trimEnd()
    .split('\n')
    .map((row) => row.replaceAll('\t', ' '))
}

describe('a package-installs file', () => {
  test('installs in install.d what it only names', () => {
    expect(table('a:\nb: ""\nc: {}\n')).toEqual([
      'install.d install app a',
      'install.d install app b',
      'install.d install app c',
    ])
  })

  test('may choose another phase, remove a package, or need it only while the phase runs', () => {
    expect(table('a: {phase: pre-install.d}\nb: {uninstall: true}\nc: {build-only: true}\n')).toEqual([
      'pre-install.d install app a',
      'install.d install app c',
      'install.d uninstall app b',
      'install.d uninstall app c',
    ])
  })

  test('means removal by the presence of the key, whatever its value', () => {
    expect(table('a: {uninstall: false}\n')).toEqual(['install.d uninstall app a'])
  })

  test('compares architectures unstripped: a blank after the comma makes an item that never matches', () => {
    expect(
      table('a: {arch: "i386,amd64"}\nb: {arch: "i386, amd64"}\nc: {not-arch: "i386, amd64"}\n'),
    ).toEqual(['install.d install app a', 'install.d install app c'])
  })

  test('may give a package several times, under different conditions', () => {
    const yaml = `
kernel:
  - {arch: arm64, when: RELEASE = old}
  - {not-arch: arm64, when: [RELEASE != old, FLAVOUR = plain kernel]}
`
    expect(table(yaml, { RELEASE: 'new', FLAVOUR: 'plain kernel' })).toEqual(['install.d install app kernel'])
    expect(table(yaml, { RELEASE: 'old', FLAVOUR: 'plain kernel' })).toEqual([''])
  })

  test('looks up the install type under the element name with underscores', () => {
    const yaml = 'a: {installtype: package}\nb: {installtype: source}\n'
    expect(table(yaml, {}, 'my-app')).toEqual(['install.d install my-app b'])
    expect(table(yaml, { DIB_INSTALLTYPE_my_app: 'package' }, 'my-app')).toEqual([
      'install.d install my-app a',
    ])
    expect(table(yaml, { DIB_DEFAULT_INSTALLTYPE: 'package' }, 'my-app')).toEqual([
      'install.d install my-app a',
    ])
  })

  test('may depend on the Python of the image', () => {
    expect(
      table('a: {dib_python_version: 2}\nb: {dib_python_version: 3}\n', { DIB_PYTHON_VERSION: '3' }),
    ).toEqual(['install.d install app b'])
  })

  test.each([
    ['a: {when: MISSING = 1}', 'The variable <MISSING> is not set'],
    ['a: {when: nonsense}', 'Malformed when line: <nonsense>'],
    ['a: {arch: x, not-arch: y}', 'arch and not_arch given for package [a]'],
    ['a: {arch: [x, y]}', 'arch must be a comma separated list'],
    ['a: text', 'says "text" about package a'],
    ['- a', 'must hold a mapping'],
  ])('with a mistake ends the build with a sentence: %s', (yaml, message) => {
    expect(() => table(yaml)).toThrow(message)
  })

  test('does not hide a mistake behind a condition that does not hold', () => {
    expect(() => table('a: {when: ["ARCH = x", "MISSING = 1"]}')).toThrow('MISSING')
  })
})

describe('elements that disagree about a package', () => {
  const both = (first: string, second: string) => {
    const result: Squashed = new Map()
    for (const [element, yaml] of [
      ['one', first],
      ['two', second],
    ] as const) {
      addPackages(result, parseYaml(yaml, element), element, { ARCH: 'amd64' })
    }
    return rows(result)
  }

  test('keep it when one of them installs it, in either order', () => {
    expect(both('a:', 'a: {uninstall: 1}')).toEqual(['install.d install one a'])
    expect(both('a: {uninstall: 1}', 'a:')).toEqual(['install.d install two a'])
    expect(both('a:', 'a: {build-only: 1}')).toEqual(['install.d install one a', 'install.d install two a'])
  })

  test('do not meet in different phases', () => {
    expect(both('a: {phase: pre-install.d}', 'a: {uninstall: 1}')).toEqual([
      'pre-install.d install one a',
      'install.d uninstall two a',
    ])
  })
})

test('the JSON file has the shape DIB writes', () => {
  const result: Squashed = new Map()
  addPackages(result, { a: null }, 'app', {})
  expect(squashedJson(result)).toBe(
    '{\n "install.d": {\n  "install": [\n   [\n    "a",\n    "app"\n   ]\n  ]\n }\n}',
  )
})

describe('the squash step of a build', () => {
  let stage: Stage
  afterEach(() => stage.remove())
  const squash = () => stage.outside('extra-data.d/99-squash-package-install')

  test('reads the files of all elements, JSON before YAML, those of an overridden element too', async () => {
    stage = makeStage(['package-installs'], {
      one: { 'package-installs.yaml': 'from-yaml:\n', 'package-installs.json': '{"from-json": null}' },
      two: { 'package-installs.json': 'yaml-in-json:\n' },
      'pkg-map': { 'package-installs.yaml': 'mine:\n' },
    })
    stage.write('more/one/package-installs.yaml', 'from-the-overridden:\n')
    const elements = `${stage.env.ELEMENTS_PATH}:${stage.directory}/more`
    const result = await stage.outside('extra-data.d/99-squash-package-install', { ELEMENTS_PATH: elements })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdout).toContain(
      `Squashing install file: ${stage.directory}/elements/one/package-installs.json`,
    )
    expect(
      stage
        .read('mnt/tmp/package-installs.tsv')
        .split('\n')
        .map((row) => row.split('\t')[3]),
    ).toEqual(['from-json', 'from-yaml', 'from-the-overridden', 'yaml-in-json', 'mine', undefined])
    expect(JSON.parse(stage.read('mnt/tmp/package-installs.json'))).toMatchObject({
      'install.d': { install: expect.arrayContaining([['mine', 'pkg-map']]) },
    })
  })

  test('an element without packages leaves nothing to do', async () => {
    stage = makeStage(['package-installs'])
    expect(await squash()).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/tmp/package-installs.tsv')).toBe('')
    expect(stage.read('mnt/tmp/package-installs.json')).toBe('{}')
  })

  test('names the file with broken YAML and shows no stack trace', async () => {
    stage = makeStage(['package-installs'], { one: { 'package-installs.yaml': 'a: [\n' } })
    const result = await squash()
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain('one/package-installs.yaml is not valid YAML')
    expect(result.stderr).not.toMatch(/^\s+at /m)
  })
})
