import { describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { realDib, unlessReal } from './phases/real-dib.ts'

const root = new URL('../..', import.meta.url).pathname
const fixtures = `${root}test/fixtures/elements`

/** Runs our element-info with nothing but a search path of elements in its environment. */
async function elementInfo(args: readonly string[], elementsPath = fixtures) {
  return run([`${root}builder/bin/element-info`, ...args], {
    env: { PATH: process.env.PATH, ELEMENTS_PATH: elementsPath },
    check: false,
  })
}

const words = (text: string) => text.trim().split(/\s+/).sort()

test('prints the expanded names on one line, dependencies first', async () => {
  const { stdout, exitCode } = await elementInfo(['database-guest', 'tiny-os'])
  expect(exitCode).toBe(0)
  expect(stdout.trimEnd()).not.toContain('\n')
  const names = stdout.trim().split(' ')
  expect(names).toContain('database-guest')
  expect(names.indexOf('package-installs')).toBeLessThan(names.indexOf('database-guest'))
})

test.each(['--env', '-e', '--en'])(
  '%s prints text that gives a shell the names, the paths and the function',
  async (option) => {
    const { stdout } = await elementInfo([option, 'tiny-os', 'every-phase'])
    const shell = 'printf "%s|" "$IMAGE_ELEMENT" "$IMAGE_ELEMENT_YAML"; bash -c get_image_element_array'
    const seen = await run(['bash', '-c', `eval "$1"; ${shell}`, 'bash', stdout])
    expect(seen.stdout).toBe(
      `tiny-os every-phase|every-phase: ${fixtures}/every-phase\ntiny-os: ${fixtures}/tiny-os\n|[tiny-os]=${fixtures}/tiny-os [every-phase]=${fixtures}/every-phase \n`,
    )
  },
)

test('the built-in elements are found behind those of ELEMENTS_PATH, and without it', async () => {
  const bare = await elementInfo(['-e', 'ubuntu-minimal', 'block-device-gpt'], '')
  expect(bare.stdout).toContain(`: ${root}elements/ubuntu-minimal\n`)
  expect(bare.stdout).toContain(`: ${root}builder/elements/dpkg\n`)
})

test.each([
  [['nope'], "Element 'nope' not found"],
  [['every-phase'], 'Please include an operating system element'],
  [['tiny-os', 'tiny-os'], "operating-system: already provided by ['tiny-os']"],
  [[], 'element-info needs one or more elements'],
  [['--wrong'], "element-info: unrecognized option '--wrong'"],
])('%j ends with status 1 and one message with a hint: %s', async (args, message) => {
  const { stdout, stderr, exitCode } = await elementInfo(args)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr.split('\n')).toEqual([message, expect.stringMatching(/^hint: /), ''])
})

test('a search path entry that is no directory is refused', async () => {
  const { stderr, exitCode } = await elementInfo(['tiny-os'], '/nowhere')
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^ELEMENTS_PATH entry '\/nowhere' is not a directory\nhint: /)
})

describe.skipIf(realDib === undefined)(`beside the real element-info${unlessReal}`, () => {
  // Only fixtures: the real one appends nothing to ELEMENTS_PATH, ours appends elements of the same names as DIB's.
  const real = (args: readonly string[], elementsPath: string) =>
    run(['/usr/bin/python3', `${realDib?.elements}/../lib/element-info.py`, ...args], {
      env: { PATH: process.env.PATH, ELEMENTS_PATH: elementsPath },
      check: false,
    })

  test.each([
    'tiny-os every-phase',
    'debian-minimal vm block-device-mbr',
    'ubuntu vm block-device-gpt base',
    'debian vm block-device-efi base',
    'ubuntu-minimal simple-init block-device-mbr vm',
    'fedora vm block-device-gpt',
  ])('%s: the same set of names', async (line) => {
    const path = `${fixtures}:${realDib?.elements}`
    const [ours, theirs] = await Promise.all([
      elementInfo(line.split(' '), path),
      real(line.split(' '), path),
    ])
    expect(theirs.exitCode, theirs.stderr).toBe(0)
    expect(words(ours.stdout)).toEqual(words(theirs.stdout))
  })

  test('--env gives a shell the same variables', async () => {
    const path = `${fixtures}:${realDib?.elements}`
    const args = ['--env', 'debian-minimal', 'vm', 'block-device-mbr']
    const seen = await Promise.all(
      [await elementInfo(args, path), await real(args, path)].map(async ({ stdout }) => {
        const shell =
          'bash -c \'printf "%s" "$IMAGE_ELEMENT_YAML"; echo "$IMAGE_ELEMENT"; get_image_element_array\''
        const result = await run(['bash', '-c', `eval "$1"; ${shell}`, 'bash', stdout])
        return words(result.stdout)
      }),
    )
    expect(seen[0]).toEqual(seen[1])
  })

  test.each(['nope', 'every-phase', 'tiny-os tiny-os'])('%s: refused by both', async (line) => {
    const [ours, theirs] = await Promise.all([elementInfo(line.split(' ')), real(line.split(' '), fixtures)])
    expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1])
    expect(theirs.stderr).toContain(ours.stderr.split('\n')[0])
  })
})
