import { expect, test } from 'vitest'
import { buildImageOptions } from '../../../builder/request/build-image-options.ts'
import { buildOptions, helpText, parseCommandLine } from '../../../builder/request/options.ts'

const parse = (...args: string[]) => parseCommandLine('disk-image-create', args)

test("all of DIB's options are known, and ours are marked", () => {
  const theirs =
    `-a -o -t -x -u -c -n -p -h --version --checksum --image-size --image-extra-size --image-cache
    --max-online-resize --min-tmpfs --mkfs-journal-size --mkfs-options --no-tmpfs --offline --qemu-img-options --root-label
    --ramdisk-element --install-type --docker-target --logfile`.split(/\s+/)
  const names = buildOptions.map((option) => option.names[0])
  expect(
    names.filter((name) => !buildOptions.find((option) => option.names[0] === name)?.ours).sort(),
  ).toEqual(theirs.sort())
  expect(buildOptions.filter((option) => option.ours).map((option) => option.names[0])).toEqual([
    '--cache',
    '--no-cache',
    '--record',
    '--resume',
    '--lock',
    '--locked',
    '--explain',
    '--monitor',
  ])
})

test.each([
  ['disk-image-create', buildOptions],
  ['build-image', buildImageOptions],
] as const)(
  'no name of %s means two options, and only options with an argument have a placeholder',
  (_program, options) => {
    const names = options.flatMap((option) => option.names)
    expect(new Set(names).size).toBe(names.length)
    expect(options.filter((option) => option.argument !== (option.placeholder !== undefined))).toEqual([])
  },
)

test('options and elements may be mixed in any order; what follows -- is an element', () => {
  const line = parse('vm', '-o', 'name', 'debian', '-xu', '--image-size=2', '--', '-odd')
  expect(line.elements).toEqual(['vm', 'debian', '-odd'])
  expect([line.value('-o'), line.count('-x'), line.flag('-u'), line.value('--image-size')]).toEqual([
    'name',
    1,
    true,
    '2',
  ])
})

test('of an option given twice the last counts; -p and -x add up', () => {
  const line = parse('-o', 'a', '-ob', '-p', 'one', '-p', 'two', '-x', '-xx')
  expect([line.value('-o'), line.values('-p'), line.count('-x')]).toEqual(['b', ['one', 'two'], 3])
})

test('long options may be shortened while that is unambiguous', () => {
  expect(parse('--offl').flag('--offline')).toBe(true)
  expect(parse('--image-s', '3').value('--image-size')).toBe('3')
  expect(() => parse('--image')).toThrow(/ambiguous/)
})

test('-h and --version act as soon as they are read', () => {
  expect(parse('--version', '-h').early).toBe('version')
  expect(parse('vm', '--help', '--version').early).toBe('help')
  expect(parse('vm').early).toBeUndefined()
})

test.each(['disk-image-create', 'ramdisk-image-create'])(
  'the help of %s is the text on record',
  async (program) => {
    await expect(helpText(program)).toMatchFileSnapshot(`./${program}.help.txt`)
  },
)

test('help of ramdisk-image-create hides -n and -p, which it still takes', () => {
  expect(helpText('ramdisk-image-create')).not.toMatch(/^ {4}-[np]\b/m)
  expect(parseCommandLine('ramdisk-image-create', ['-n', '-p', 'x']).value('-p')).toBe('x')
})

test('help fits a terminal of 120 columns', () => {
  expect(
    helpText('disk-image-create')
      .split('\n')
      .filter((line) => line.length > 120),
  ).toEqual([])
})
