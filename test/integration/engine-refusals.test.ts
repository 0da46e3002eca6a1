import { chmod, readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { withElements } from './engine-elements.ts'
import { bin, buildEnvironment, create, fixtureElements, leftovers, workDirectory } from './harness.ts'

// What can be refused is refused before any work: one message, one hint, no stack trace, no build directory.
const work = await workDirectory()
const elementsPath = await withElements(work, {
  'other-os/element-provides': 'operating-system\n',
  'needs-missing/element-deps': 'not-there\n',
  'comment/element-deps': '# a comment\n',
  'twice/root.d/10-tiny-os': '#!/bin/bash\nset -eu\nset -o pipefail\n',
})

const layout = (yaml: string) => ({ DIB_BLOCK_DEVICE_CONFIG: yaml })

test.each<[string, readonly string[], Record<string, string>, RegExp]>([
  ['no elements', [], {}, /^ERROR: At least one distribution root element must be specified$/],
  ['an unknown option', ['--wrong', 'tiny-os'], {}, /^disk-image-create: unrecognized option '--wrong'$/],
  ['an ambiguous option', ['--image', 'tiny-os'], {}, /^disk-image-create: option '--image' is ambiguous/],
  [
    'an option without its value',
    ['tiny-os', '-o'],
    {},
    /^disk-image-create: option requires an argument -- 'o'$/,
  ],
  ['an unknown element', ['tiny-os', 'nope'], {}, /^Element 'nope' not found$/],
  [
    'an unknown dependency',
    ['tiny-os', 'needs-missing'],
    {},
    /^Element 'not-there' not found, which 'needs-missing' depends on$/,
  ],
  ['a comment in element-deps', ['tiny-os', 'comment'], {}, /^Element '# a comment' not found/],
  ['no operating system', ['every-phase'], {}, /^Please include an operating system element$/],
  [
    'two operating systems',
    ['tiny-os', 'other-os'],
    {},
    /^operating-system: already provided by \['tiny-os'\]$/,
  ],
  [
    'an element that is provided by another',
    ['tiny-os', 'operating-system'],
    {},
    /^The following elements are already provided by another element$/,
  ],
  [
    'a hook of two elements',
    ['tiny-os', 'twice'],
    {},
    /^There is a duplicated hook in your elements: \/root\.d\/10-tiny-os$/,
  ],
  [
    'an entry of ELEMENTS_PATH that is no directory',
    ['tiny-os'],
    { ELEMENTS_PATH: `${fixtureElements}:/nowhere` },
    /^ELEMENTS_PATH entry '\/nowhere' is not a directory$/,
  ],
  [
    'an unknown output type',
    ['-t', 'qcow3', 'tiny-os'],
    {},
    /^-t qcow3: no output format has this name, and qemu-img cannot write it$/,
  ],
  [
    'an output type that cannot be one',
    ['-t', 'a/b', 'tiny-os'],
    {},
    /^-t names an output format that cannot exist: a\/b$/,
  ],
  ['docker without a target', ['-t', 'docker', 'tiny-os'], {}, /docker/],
  [
    'a missing output directory',
    ['-o', 'not/there/x', 'tiny-os'],
    {},
    /^The image cannot be written into not\/there$/,
  ],
  [
    'a bad number',
    ['--image-size', 'big', 'tiny-os'],
    {},
    /^--image-size needs a positive number, not 'big'$/,
  ],
  [
    'a bad number in the environment',
    ['tiny-os'],
    { DIB_IMAGE_SIZE: '-2' },
    /^--image-size needs a positive number, not '-2'$/,
  ],
  [
    'a bad trace level',
    ['tiny-os'],
    { DIB_DEBUG_TRACE: 'yes' },
    /^DIB_DEBUG_TRACE needs a whole number, not 'yes'$/,
  ],
  [
    'a layout that is not YAML',
    ['tiny-os'],
    layout('- a: [unclosed'),
    /^The block device configuration is not valid YAML at line \d+, column \d+: /,
  ],
  [
    'a layout that is no list',
    ['tiny-os'],
    layout('local_loop: {name: image0}'),
    /^A block device configuration is a list of entries/,
  ],
  [
    'an unknown part of a layout',
    ['tiny-os'],
    layout('- floppy: {name: image0}'),
    /^Config entry is not a plugin value: /,
  ],
  [
    'a layout file that is missing',
    ['tiny-os'],
    layout('file:///nowhere.yaml'),
    /^The block device configuration \/nowhere\.yaml cannot be read: ENOENT$/,
  ],
  [
    'a file system that mkfs does not know',
    ['tiny-os'],
    { FS_TYPE: 'nosuchfs' },
    /^The file system mkfs_root is nosuchfs, and mkfs\.nosuchfs is not installed$/,
  ],
  [
    'a regular expression that is none',
    ['tiny-os'],
    { RUN_PARTS_REGEX: '[' },
    /^'\[' is not an extended regular expression$/,
  ],
  [
    'a log file in a missing directory',
    ['--logfile', 'not/there.log', 'tiny-os'],
    {},
    /^The log file not\/there\.log cannot be written: /,
  ],
  ['a monitor that is not known', ['--monitor', 'xml', 'tiny-os'], {}, /^--monitor knows json, not 'xml'$/],
])('%s', async (_what, args, extra, message) => {
  const result = await create(work, ['-n', ...args], { ELEMENTS_PATH: elementsPath, ...extra })
  expect(result.exitCode, result.output).toBe(1)
  const lines = result.stderr.trimEnd().split('\n')
  expect(lines[0]).toMatch(message)
  expect(lines.filter((line) => line.startsWith('hint: '))).toHaveLength(1)
  expect(lines.at(-1)).toMatch(/^hint: /)
  expect(result.output).not.toMatch(/^ {4}at /m)
  expect(result.output).not.toContain('Building in')
  expect(await leftovers(work)).toEqual([])
})

test('whoever is not root and has no ids to lend is told so, and how to go on', async () => {
  // Nobody may enter the directory, and write there, so that nothing but the missing rights is in the way.
  await chmod(work, 0o777)
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'] as const
  const before = await readdir(work)
  const result = await run(
    [...nobody, bin('disk-image-create'), '-n', '-o', 'nobodys', '-t', 'tar', 'tiny-os'],
    {
      cwd: work,
      env: buildEnvironment(work),
      check: false,
    },
  )
  expect(result.exitCode).toBe(1)
  expect(result.stderr).toMatch(
    /^Building without root needs subordinate ids, and nobody has no user ids in \/etc\/subuid\nhint: As root: usermod --add-subuids .*\n$/,
  )
  expect(await readdir(work)).toEqual(before)
})

test('whoever is not root can still ask for the plan', async () => {
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'] as const
  const result = await run([...nobody, bin('disk-image-create'), '--explain', '-n', '-t', 'tar', 'tiny-os'], {
    cwd: work,
    env: buildEnvironment(work),
    check: false,
  })
  expect(result.exitCode, result.stderr).toBe(0)
  expect(result.stdout).toContain('root.d')
})
