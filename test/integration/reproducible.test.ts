import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { mount, unmount } from '../../lib/mount.ts'
import { removeTree } from '../../lib/tree.ts'
import { withElements } from './engine-elements.ts'
import { bin, buildEnvironment, leftovers, workDirectory } from './harness.ts'

const NODE = new URL('../../node_modules/.bin/node', import.meta.url).pathname
const WRITE_OUTPUTS = new URL('./write-outputs.ts', import.meta.url).pathname
/** The date of the images; files before and after it are in the tree. */
const DATE = 1_700_000_000

const setAttribute = (path: string, name: string) =>
  run(['/usr/bin/python3', '-c', 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], b"1")', path, name])

/** What a tree is made of, each step a function; all but the first can be taken in any order. */
function stepsFor(tree: string): (() => Promise<unknown>)[] {
  const at = (path: string) => join(tree, path)
  const file = async (path: string, text: string | Uint8Array, mode = 0o644) => {
    await writeFile(at(path), text)
    await chmod(at(path), mode)
  }
  return [
    ...Array.from({ length: 120 }, (_, number) => () => file(`many/name-${number * 7919}`, `${number}`)),
    () => file('etc/hostname', 'guest\n'),
    () => file('usr/bin/tool', '#!/bin/sh\n', 0o755),
    () => file('old', 'from a package').then(() => utimes(at('old'), 1, 1_234_567_890.5)),
    () => symlink('/etc/hostname', at('absolute')),
    () => symlink('../etc/hostname', at('usr/above')),
    () => run(['mknod', at('null'), 'c', '1', '3']),
    () => run(['mkfifo', at('pipe')]),
    () => writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x66, 0xff])]), 'no text'),
    () => file('boot/efi/startup.nsh', 'exit\n'),
    () => file('boot/efi/EFI/tool.efi', 'program'),
    () => file('boot/grub/grub.cfg', 'set timeout=0\n'),
    () => mkdir(at('srv/empty')),
  ]
}

/** Makes one tree: forwards or backwards, with holes or zeros. */
async function makeTree(tree: string, backwards: boolean): Promise<void> {
  const directories = [
    'many',
    'etc',
    'usr',
    'usr/bin',
    'boot',
    'boot/efi',
    'boot/efi/EFI',
    'boot/grub',
    'srv',
  ]
  for (const path of directories) await mkdir(join(tree, path))
  const steps = stepsFor(tree)
  for (const step of backwards ? steps.reverse() : steps) await step()
  await link(join(tree, 'usr/bin/tool'), join(tree, backwards ? 'zz-same' : 'aa-same'))
  await link(join(tree, 'usr/bin/tool'), join(tree, backwards ? 'aa-same' : 'zz-same'))
  await setAttribute(join(tree, 'etc/hostname'), 'trusted.note')
  await run(['setcap', 'cap_net_raw+ep', join(tree, 'usr/bin/tool')])
  const zeros = join(tree, 'zeros')
  await writeFile(zeros, backwards ? Buffer.alloc(3_000_000) : '')
  await truncate(zeros, 3_000_000)
  await appendFile(zeros, 'end')
  await chown(join(tree, 'srv/empty'), 70_000, 80_000)
  // What was made after the date; how long after is chance.
  for (const path of ['etc/hostname', 'boot/efi/startup.nsh', 'boot/efi/EFI', 'srv'])
    await utimes(join(tree, path), DATE + 5, DATE + (backwards ? 99.25 : 7_777_777))
}

const work = await workDirectory()

describe('a disk and its outputs from one tree, made in two ways', () => {
  let work: string
  let memory: string
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'coffer-reproducible-'))
    memory = join(work, 'memory')
    await mkdir(memory)
    await mount({ source: 'tmpfs', target: memory, type: 'tmpfs' })
  })
  afterAll(async () => {
    await unmount(memory)
    await removeTree(work)
  })

  async function outputs(
    place: string,
    how: { backwards: boolean; prefix: readonly string[]; env: Record<string, string> },
  ) {
    const [tree, directory] = [join(place, 'tree'), join(place, how.backwards ? 'a longer name' : 'out')]
    await mkdir(tree)
    await mkdir(directory)
    await makeTree(tree, how.backwards)
    const argv = [
      ...how.prefix,
      NODE,
      '--disable-warning=ExperimentalWarning',
      WRITE_OUTPUTS,
      tree,
      directory,
      `${DATE}`,
    ]
    const [program = '', ...args] = argv
    const env = { PATH: process.env.PATH, ...how.env }
    return { directory, ...JSON.parse((await run([program, ...args], { env })).stdout) }
  }

  test('are the same to the bit: memory or disk, clock, time zone, umask, language, processors', async () => {
    const first = await outputs(memory, { backwards: false, prefix: [], env: {} })
    const second = await outputs(work, {
      backwards: true,
      prefix: [
        'taskset',
        '-c',
        '0',
        '/bin/sh',
        '-c',
        'umask 077; exec "$@"',
        'sh',
        'faketime',
        '-f',
        '+400d',
      ],
      env: {
        TZ: 'Asia/Tokyo',
        LC_ALL: 'de_DE.UTF-8',
        TAR_OPTIONS: '--mode=a+rwx',
        MTOOLSRC: '/nowhere',
        // The clock is another, the files are the same.
        NO_FAKE_STAT: '1',
      },
    })
    expect(first.unreproducible).toEqual([])
    expect(Object.keys(first.sums)).toEqual([
      'image.squash',
      'image.tar',
      'image.tgz',
      'plain.qcow2',
      'plain.raw',
      'zlib.qcow2',
      'zstd.qcow2',
    ])
    expect(second.sums).toEqual(first.sums)

    const raw = join(first.directory, 'plain.raw')
    for (const name of ['zlib', 'zstd', 'plain']) {
      await run(['qemu-img', 'compare', raw, join(first.directory, `${name}.qcow2`)])
      await run(['qemu-img', 'check', '-q', join(first.directory, `${name}.qcow2`)])
    }
    const table = JSON.parse((await run(['sfdisk', '--json', raw])).stdout).partitiontable
    const start = table.partitions.at(-1).start * 512
    await run(['e2fsck', '-fn', `${raw}?offset=${start}`])
    // Nothing is later than the date, and what is earlier keeps its own.
    const timesOf = async (path: string) => {
      const { stdout } = await run(['debugfs', '-R', `stat ${path}`, `${raw}?offset=${start}`])
      return new Set([...stdout.matchAll(/[acm]r?time: (0x[0-9a-f]{8}:\d{8})/g)].map(([, time]) => time))
    }
    expect(await timesOf('/old')).toEqual(new Set([`0x${(1_234_567_890).toString(16)}:00000000`]))
    expect(await timesOf('/etc/hostname')).toEqual(new Set([`0x${DATE.toString(16)}:00000000`]))
  })
})

describe('a build, done twice', () => {
  test('gives the same images wherever and by whomever it is done', async () => {
    const elements = await withElements(work, {
      'writes-files/element-deps': 'manifests\n',
      'writes-files/README.rst': 'writes-files\n',
      // Inside: a permission, a date, and whatever the caller's settings make of words and zones.
      'writes-files/install.d/50-writes-files': `#!/bin/bash
set -eu
set -o pipefail
mkdir -p /srv/made
echo "umask $(umask) zone \${TZ:-none} lang \${LANG:-none} \${LC_ALL:-none}" >/srv/made/settings
echo "date \${SOURCE_DATE_EPOCH:-none} known \${KNOWN:-none}" >/srv/made/date
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
for number in {1..50}; do echo "$number" >"/srv/made/$RANDOM-$number"; done
for file in /srv/made/*-*; do mv "$file" "/srv/made/file-\${file##*-}"; done
`,
      'writes-files/cleanup.d/50-writes-files': `#!/bin/bash
set -eu
set -o pipefail
echo outside >"$TARGET_ROOT/srv/made/outside"
`,
    })
    const build = async (directory: string, prefix: readonly string[], env: Record<string, string>) => {
      const place = join(work, directory)
      await mkdir(place, { recursive: true })
      const argv = [
        ...prefix,
        bin('disk-image-create'),
        '-n',
        '-t',
        'qcow2,raw,tar',
        '-o',
        join(place, 'image'),
      ]
      const [program = '', ...args] = [...argv, 'tiny-os', 'writes-files', 'block-device-mbr']
      const common = buildEnvironment(work, { ELEMENTS_PATH: elements, SOURCE_DATE_EPOCH: `${DATE}` })
      const result = await run([program, ...args], { cwd: place, env: { ...common, ...env }, check: false })
      expect(result.exitCode, result.stdout + result.stderr).toBe(0)
      const files = ['image.qcow2', 'image.raw', 'image.tar'].map((name) => join(place, name))
      return Promise.all(files.map((file) => digestFile(file)))
    }
    const first = await build('first', [], {})
    const second = await build(
      'second/place',
      ['taskset', '-c', '0', '/bin/sh', '-c', 'umask 027; exec "$@"', 'sh'],
      {
        TZ: 'America/New_York',
        LANG: 'de_DE.UTF-8',
        LC_TIME: 'fr_FR.UTF-8',
        USER: 'alice',
        LOGNAME: 'alice',
        HOME: join(work, 'home'),
        FAVOURITE_COLOUR: 'green',
        DIB_NO_TMPFS: '1',
      },
    )
    expect(second).toEqual(first)
    const inTar = async (path: string) =>
      (await run(['tar', '-xOf', join(work, 'first/image.tar'), path])).stdout
    expect(await inTar('./srv/made/settings')).toBe('umask 0022 zone UTC lang none C\n')
    expect(await inTar('./srv/made/date')).toBe(`date ${DATE} known none\n`)
    expect(await inTar('./etc/machine-id')).toBe('')
    const listing = await run([
      'tar',
      '--full-time',
      '--utc',
      '-tvf',
      join(work, 'first/image.tar'),
      './srv/made/date',
    ])
    expect(listing.stdout).toContain('2023-11-14 22:13:20')
    // The maker's own files are as private as the umask wants.
    const modes = await run(
      ['stat', '-c', '%a', 'image.raw', 'image.tar', 'image.qcow2', 'image.d/dib-manifests'],
      {
        cwd: join(work, 'second/place'),
      },
    )
    expect(modes.stdout).toBe('640\n640\n640\n750\n')
    expect(await leftovers(work)).toEqual([])
  })
})

test('a bad SOURCE_DATE_EPOCH is refused before anything is built', async () => {
  const env = buildEnvironment(work, { SOURCE_DATE_EPOCH: 'yesterday' })
  const result = await run([bin('disk-image-create'), '-n', 'tiny-os'], { cwd: work, env, check: false })
  expect(result.exitCode).toBe(1)
  expect(result.stderr).toContain("SOURCE_DATE_EPOCH needs whole seconds since 1970, not 'yesterday'")
  await rm(work, { recursive: true, force: true })
})
