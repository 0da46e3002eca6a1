import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageInstallsFiles } from '../../../builder/plumbing/package-installs/files.ts'
import {
  addPackages,
  type PackageOfElement,
  type Squashed,
} from '../../../builder/plumbing/package-installs/squash.ts'
import { run } from '../../../lib/exec.ts'
import { dibInstalled, dibProgram } from './real-dib.ts'

type Phases = Record<string, { install?: PackageOfElement[]; uninstall?: PackageOfElement[] }>

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'squash-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const statement = fc.constantFrom(
  'ARCH = amd64',
  'ARCH != amd64',
  'FLAVOUR = a b',
  'FLAVOUR=a b ',
  'MISSING = 1',
  'nonsense',
)
const conditions = fc.record(
  {
    phase: fc.constantFrom('install.d', 'pre-install.d', 'post-install.d'),
    uninstall: fc.constantFrom(true, false, ''),
    'build-only': fc.constantFrom(true, null),
    installtype: fc.constantFrom('source', 'package'),
    arch: fc.constantFrom('amd64', 'i386,amd64', 'i386, amd64', 'arm64'),
    'not-arch': fc.constantFrom('amd64', 'arm64', ''),
    dib_python_version: fc.constantFrom(2, 3, '', '3'),
    when: fc.oneof(statement, fc.array(statement, { maxLength: 2 })),
  },
  { requiredKeys: [] },
)
// Conditions are rare, as in real files: else hardly a file would survive the mistakes among them.
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(null, '', {}) },
  { weight: 2, arbitrary: conditions },
  { weight: 1, arbitrary: fc.array(conditions, { maxLength: 3 }) },
)
const file = fc.dictionary(fc.constantFrom('alpha', 'beta', 'gamma', 'lib-x', 'y'), value, {
  maxKeys: 4,
  noNullPrototype: true,
})
const tree = fc.record({
  files: fc.array(
    fc.tuple(
      fc.constantFrom('first', 'second'),
      fc.constantFrom('one', 'two-x'),
      fc.constantFrom('json', 'yaml'),
      file,
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  env: fc.record(
    {
      DIB_INSTALLTYPE_two_x: fc.constantFrom('source', 'package'),
      DIB_DEFAULT_INSTALLTYPE: fc.constantFrom('source', 'package'),
      DIB_PYTHON_VERSION: fc.constantFrom('2', '3'),
    },
    { requiredKeys: [] },
  ),
})

describe.skipIf(!dibInstalled)('package-installs, compared with disk-image-builder 3.13', () => {
  test('the same packages of the same elements, in the same order; the same inputs are refused', async () => {
    let runs = 0
    let compared = 0
    await fc.assert(
      fc.asyncProperty(tree, async ({ files, env }) => {
        const base = join(directory, String(runs++))
        for (const [place, element, kind, content] of files) {
          mkdirSync(join(base, place, element), { recursive: true })
          writeFileSync(join(base, place, element, `package-installs.${kind}`), JSON.stringify(content))
        }
        const path = [join(base, 'first'), join(base, 'second')]
        const environment = { ARCH: 'amd64', FLAVOUR: 'a b', ...env }
        const [theirs, ours] = await Promise.all([
          squashByDib(base, path, environment),
          squashByUs(path, environment),
        ])
        expect(ours === undefined).toBe(theirs === undefined)
        if (ours === undefined || theirs === undefined) return
        compared++
        expectSame(ours, theirs, contested(files.map(([, , , content]) => content)))
      }),
      { numRuns: 20, seed: 313 },
    )
    expect(compared).toBeGreaterThan(8)
  })
})

async function squashByDib(
  base: string,
  path: string[],
  env: Record<string, string>,
): Promise<Phases | undefined> {
  const output = join(base, 'theirs.json')
  const program = dibProgram('package-installs', 'bin/package-installs-squash')
  const result = await run([program, '--elements=one two-x', `--path=${path.join(':')}`, output], {
    env: { PATH: process.env.PATH, ...env },
    check: false,
  })
  return result.exitCode === 0 ? JSON.parse(readFileSync(output, 'utf8')) : undefined
}

async function squashByUs(path: string[], env: Record<string, string>): Promise<Phases | undefined> {
  const result: Squashed = new Map()
  try {
    for (const { content, element } of await packageInstallsFiles(['one', 'two-x'], path)) {
      addPackages(result, content, element, env)
    }
  } catch {
    return undefined
  }
  return Object.fromEntries(result)
}

/** Packages that some file removes: there newer DIB, and so this project, lets an install win (contract §3.6 [HEAD]). */
function contested(files: readonly Record<string, unknown>[]): Set<string> {
  const removing = (value: unknown): boolean =>
    Array.isArray(value)
      ? value.some(removing)
      : typeof value === 'object' && value !== null && ('uninstall' in value || 'build-only' in value)
  const names = files.flatMap((file) => Object.entries(file))
  return new Set(
    names
      .filter(
        ([name, value]) =>
          removing(value) && (Array.isArray(value) || names.filter(([other]) => other === name).length > 1),
      )
      .map(([name]) => name),
  )
}

function expectSame(ours: Phases, theirs: Phases, special: ReadonlySet<string>): void {
  for (const phase of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    // Installs never differ.
    expect(ours[phase]?.install ?? []).toEqual(theirs[phase]?.install ?? [])
    const plain = (list: PackageOfElement[] = []) => list.filter(([name]) => !special.has(name))
    expect(plain(ours[phase]?.uninstall)).toEqual(plain(theirs[phase]?.uninstall))
    // 3.13 removes a contested package whatever the others want; here at most some of its removals are left.
    for (const removal of ours[phase]?.uninstall ?? [])
      expect(theirs[phase]?.uninstall).toContainEqual(removal)
  }
}
