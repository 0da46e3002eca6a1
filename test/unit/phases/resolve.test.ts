import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Element, ElementIndex } from '../../../phases/elements.ts'
import { resolveElements, withDriverElements } from '../../../phases/resolve.ts'

/** An index from lines such as `vm: bootloader block-device` and `bootloader: dpkg > bootloader-like` (provides). */
function index(...lines: string[]): ElementIndex {
  const elements = new Map<string, Element>()
  for (const line of lines) {
    const [name = '', rest = ''] = line.split(':')
    const [dependencies = [], provides = []] = rest.split('>').map((part) => part.split(' ').filter(Boolean))
    elements.set(name, { name, path: `/elements/${name}`, dependencies, provides })
  }
  return { searchPath: ['/mine', '/elements'], elements, overrides: [], all: new Map() }
}

const OS = 'os:> operating-system'
const names = (elements: readonly Element[]) => elements.map((element) => element.name)

describe('what a build consists of', () => {
  test('dependencies of dependencies come along, each before what needs it, and say why', () => {
    const resolved = resolveElements(index(OS, 'app: lib', 'lib: base', 'base:'), ['os', 'app', 'base'])
    expect(resolved.map(({ name, why }) => [name, why])).toEqual([
      ['os', 'named'],
      ['base', 'named'],
      ['lib', { dependencyOf: 'app' }],
      ['app', 'named'],
    ])
  })

  test('an element that depends on itself, or on one that depends on it, is fine', () => {
    const cyclic = index(OS, 'self: self', 'a: b', 'b: a')
    expect(names(resolveElements(cyclic, ['os', 'self', 'a']))).toEqual(['os', 'self', 'b', 'a'])
  })

  test('a provided name is not an element of the build', () => {
    const virtual = index(OS, 'mbr:> block-device', 'vm: block-device')
    expect(names(resolveElements(virtual, ['os', 'mbr', 'vm']))).toEqual(['os', 'mbr', 'vm'])
  })

  test('what a provider brings stands before what needs the provided name', () => {
    const virtual = index(OS, 'vm: layout', 'layout: block-device', 'mbr: > block-device')
    expect(names(resolveElements(virtual, ['os', 'vm', 'mbr']))).toEqual(['os', 'mbr', 'layout', 'vm'])
  })

  test('a real element gives way to one that provides its name', () => {
    const taken = index(OS, 'grub: lots', 'lots:', 'mine:> grub', 'app: mine grub')
    expect(names(resolveElements(taken, ['os', 'app']))).toEqual(['os', 'mine', 'app'])
  })

  test('unless it was reached first: then what it had pulled in stays', () => {
    const taken = index(OS, 'grub: lots', 'lots:', 'mine:> grub', 'app: grub mine')
    expect(names(resolveElements(taken, ['os', 'app']))).toEqual(['os', 'mine', 'app', 'lots'])
  })

  test('naming an element that provides nothing twice is harmless', () => {
    expect(names(resolveElements(index(OS, 'base:'), ['base', 'base', 'os']))).toEqual(['base', 'os'])
  })
})

describe('order effects of virtual names', () => {
  const late = index(OS, 'a: v', 'b: c', 'c:> v')

  test('a virtual name that is reached before its provider is not found, and the hint says what to do', () => {
    expect(() => resolveElements(late, ['os', 'a', 'b'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_NOT_FOUND',
        message: "Element 'v' not found, which 'a' depends on",
        hint: 'c provides that name: put it, or what depends on it, earlier in the list.',
      }),
    )
  })

  test('the other way round it works', () => {
    expect(names(resolveElements(late, ['os', 'b', 'a']))).toEqual(['os', 'c', 'b', 'a'])
  })
})

describe('mistakes', () => {
  test('an unknown element names its neighbours and where elements are looked for', () => {
    expect(() => resolveElements(index(OS, 'mysql:', 'mysql-8:'), ['os', 'mysq'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_NOT_FOUND',
        message: "Element 'mysq' not found",
        hint: 'Did you mean mysql? Elements are looked for in /mine, /elements; ELEMENTS_PATH adds directories.',
      }),
    )
  })

  test('a comment in element-deps is taken for a name, and the hint says so', () => {
    const commented = index(OS)
    const elements = new Map(commented.elements)
    elements.set('app', { name: 'app', path: '/a', dependencies: ['# the database'], provides: [] })
    expect(() => resolveElements({ ...commented, elements }, ['os', 'app'])).toThrowError(
      expect.objectContaining({
        message: "Element '# the database' not found, which 'app' depends on",
        hint: "element-deps has no comments: delete that line from the file of 'app'.",
      }),
    )
  })

  test('two elements that provide the same cannot be in one build', () => {
    expect(() => resolveElements(index(OS, 'os2:> operating-system'), ['os', 'os2'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_ALREADY_PROVIDED',
        message: "operating-system: already provided by ['os']",
        hint: "'os2' provides it too: a build can have only one of them.",
      }),
    )
  })

  test('naming a providing element twice is an error with a hint', () => {
    expect(() => resolveElements(index(OS), ['os', 'os'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_ALREADY_PROVIDED',
        message: "operating-system: already provided by ['os']",
        hint: "'os' is in the list twice: name it once.",
      }),
    )
  })

  test('naming an element that another provides is an error that lists each', () => {
    const taken = index(OS, 'grub:', 'efi:', 'mine:> grub efi')
    expect(() => resolveElements(taken, ['os', 'grub', 'mine', 'efi'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_ALREADY_PROVIDED',
        message: [
          'The following elements are already provided by another element',
          "grub : already provided by ['mine']",
          "efi : already provided by ['mine']",
        ].join('\n'),
      }),
    )
  })

  test('a build without an operating system is an error that lists what there is', () => {
    expect(() => resolveElements(index(OS, 'app:', 'debian:> operating-system'), ['app'])).toThrowError(
      expect.objectContaining({
        code: 'ELEMENT_NO_OPERATING_SYSTEM',
        message: 'Please include an operating system element',
        hint: 'For example one of debian, os.',
      }),
    )
  })
})

describe('what the driver adds', () => {
  const options = { skipBase: false, arch: 'amd64' }

  test('base comes first, unless it is skipped', () => {
    expect(withDriverElements(['debian'], options)).toEqual(['base', 'debian'])
    expect(withDriverElements(['debian'], { ...options, skipBase: true })).toEqual(['debian'])
  })

  test.each([
    ['amd64', 'block-device-mbr'],
    ['arm64', 'block-device-efi'],
    ['aarch64', 'block-device-efi'],
  ])('vm on %s gets %s', (arch, layout) => {
    expect(withDriverElements(['vm', 'debian'], { ...options, arch })).toEqual([
      'base',
      'vm',
      'debian',
      layout,
    ])
  })

  test('vm with a layout of the user gets no other', () => {
    expect(withDriverElements(['vm', 'block-device-gpt'], { ...options, skipBase: true })).toEqual([
      'vm',
      'block-device-gpt',
    ])
  })

  test('the ramdisk element comes before everything', () => {
    expect(withDriverElements(['debian'], { ...options, ramdiskElement: 'ramdisk' })).toEqual([
      'ramdisk',
      'base',
      'debian',
    ])
  })
})

describe('whatever the graph', () => {
  const acyclic = fc
    .integer({ min: 1, max: 12 })
    .chain((count) =>
      fc.tuple(
        ...Array.from({ length: count }, (_, at) =>
          fc.subarray(Array.from({ length: at }, (__, i) => `e${i}`)),
        ),
      ),
    )
    .map((dependencies) =>
      dependencies.map((list, at) => ({ name: `e${at}`, path: `/${at}`, dependencies: list, provides: [] })),
    )

  test('the result is the closure, each element once and after its dependencies', () => {
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (elements, picks) => {
        const os = { name: 'os', path: '/os', dependencies: [], provides: ['operating-system'] }
        const byName = new Map<string, Element>([os, ...elements].map((element) => [element.name, element]))
        const named = ['os', ...[...picks.take(3)].map((pick) => `e${pick % elements.length}`)]
        const result = names(
          resolveElements({ searchPath: [], elements: byName, overrides: [], all: new Map() }, named),
        )

        const closure = new Set<string>()
        const reach = (name: string): void => {
          closure.add(name)
          byName.get(name)?.dependencies.forEach(reach)
        }
        named.forEach(reach)
        expect([...result].sort()).toEqual([...closure].sort())
        for (const name of result) {
          for (const dependency of byName.get(name)?.dependencies ?? []) {
            expect(result.indexOf(dependency)).toBeLessThan(result.indexOf(name))
          }
        }
      }),
    )
  })
})
