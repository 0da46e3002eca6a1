import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { type Element, type ElementIndex, indexElements } from '../../../phases/elements.ts'
import { resolveElements, withDriverElements } from '../../../phases/resolve.ts'
import { makeTree } from '../../unit/phases/element-tree.ts'
import { realDib, unlessReal } from './real-dib.ts'

/** Lines of the contract's §2: words of the command line → the elements of the build. */
const BASICS =
  'block-device-mbr bootloader debian-minimal debootstrap dpkg install-bin manifests modprobe package-installs pkg-map sysprep vm'
const closures: readonly [string, boolean, string][] = [
  ['debian-minimal vm', false, `base dib-init-system install-types ${BASICS}`],
  ['debian-minimal vm', true, BASICS],
  [
    'ubuntu-minimal vm',
    false,
    `base dib-init-system install-types ubuntu-common ubuntu-minimal ${BASICS.replace('debian-minimal ', '')}`,
  ],
  [
    'ubuntu vm',
    false,
    'base block-device-mbr bootloader cache-url cloud-init-datasources dib-init-system dkms dpkg install-bin install-types manifests package-installs pkg-map sysprep ubuntu ubuntu-common vm',
  ],
  [
    'debian vm',
    false,
    `base dib-init-system install-types debian install-static openssh-server runtime-ssh-host-keys ${BASICS}`,
  ],
]

describe.skipIf(realDib === undefined)(`elements of the real package${unlessReal}`, () => {
  const elements = realDib?.elements ?? ''

  test.each(closures)('%s (without base: %s)', async (words, skipBase, expected) => {
    const named = withDriverElements(words.split(' '), { skipBase, arch: 'amd64' })
    const resolved = resolveElements(await indexElements([elements]), named)
    expect(resolved.map(({ name }) => name).sort()).toEqual(expected.split(' ').sort())
    expect(await askReal([elements], [named])).toEqual([{ elements: expected.split(' ').sort() }])
  })
})

describe.skipIf(realDib === undefined)(`any elements${unlessReal}`, () => {
  const NAMES = ['a', 'b', 'c', 'd', 'e']
  const anyName = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 2, arbitrary: fc.constantFrom('v', 'w', 'os', 'operating-system') },
  )
  // DIB reads a file of several names in no particular order, so a graph with virtual names gets one name a file.
  const virtual: fc.Arbitrary<Member> = fc.record({
    dependencies: fc.array(anyName, { maxLength: 1 }),
    provides: fc.array(fc.constantFrom('v', 'w', 'a', 'operating-system'), { maxLength: 1 }),
  })
  const plain: fc.Arbitrary<Member> = fc.record({
    dependencies: fc.uniqueArray(fc.constantFrom(...NAMES, 'os'), { maxLength: 4 }),
    provides: fc.constant([]),
  })
  const graph = fc.oneof(
    fc.array(virtual, { minLength: 5, maxLength: 5 }),
    fc.array(plain, { minLength: 5, maxLength: 5 }),
  )
  const build = fc.tuple(graph, fc.array(anyName, { minLength: 1, maxLength: 4 }))

  test('give the same elements, or the same error, as with the real resolver', async () => {
    // One start of Python for many builds; the graphs are not shrunk, but the one that differs is in the report.
    const builds = fc.sample(build, 100)
    const ours = builds.map(([members, named]) => resolveAsReal(indexOf(members), ['os', ...named]))
    const files = Object.fromEntries(
      builds.flatMap(([members], at) =>
        [...indexOf(members).elements.values()].flatMap((element) => [
          [`${at}/${element.name}/element-deps`, element.dependencies.join('\n')],
          [`${at}/${element.name}/element-provides`, element.provides.join('\n')],
        ]),
      ),
    )
    const root = await makeTree(files)
    const theirs = await askReal(
      builds.map((_, at) => `${root}/${at}`),
      builds.map(([, named]) => ['os', ...named]),
    )
    for (const [at, result] of ours.entries()) expect([builds[at], result]).toEqual([builds[at], theirs[at]])
    expect(theirs.filter((result) => 'elements' in result).length).toBeGreaterThan(0)
    expect(theirs.filter((result) => 'error' in result).length).toBeGreaterThan(0)
  })

  function indexOf(members: readonly Member[]): ElementIndex {
    const os = { name: 'os', path: '/os', dependencies: [], provides: ['operating-system'] }
    const named = members.map((member, at) => ({ ...member, name: NAMES[at] ?? '', path: `/${NAMES[at]}` }))
    return {
      searchPath: ['/'],
      elements: new Map([os, ...named].map((element) => [element.name, element])),
      overrides: [],
      all: new Map(),
    }
  }
})

type Member = Pick<Element, 'dependencies' | 'provides'>
type Outcome = { readonly elements: readonly string[] } | { readonly error: string }

function resolveAsReal(index: ElementIndex, named: readonly string[]): Outcome {
  try {
    const names = resolveElements(index, named).map(({ name }) => name)
    return { elements: names.sort() }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    // The real one logs the text of this error and raises it without any.
    if (message.startsWith('The following elements')) return { error: 'AlreadyProvidedException: ' }
    const [type] = Object.entries(codes).find(([, ours]) => ours === code) ?? ['?']
    return { error: `${type}: ${message.replace(/, which .* depends on$/, '')}` }
  }
}

const codes = {
  MissingElementException: 'ELEMENT_NOT_FOUND',
  AlreadyProvidedException: 'ELEMENT_ALREADY_PROVIDED',
  MissingOSException: 'ELEMENT_NO_OPERATING_SYSTEM',
}

const ASK = `
import json, sys
from diskimage_builder import element_dependencies
builds = json.load(sys.stdin)
for paths, named in builds:
    try:
        found = element_dependencies.get_elements(named, paths)
        print(json.dumps({"elements": sorted(name for name, path in found)}))
    except Exception as error:
        print(json.dumps({"error": "%s: %s" % (type(error).__name__, error)}))
`

/** What the real resolver makes of each list of names, on the search path of the same position. */
async function askReal(paths: readonly string[], named: readonly (readonly string[])[]): Promise<Outcome[]> {
  const builds = named.map((names, at) => [paths[at], names])
  const result = await run(['/usr/bin/python3', '-c', ASK], { input: JSON.stringify(builds) })
  return result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome)
}
