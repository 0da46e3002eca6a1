import { spawn } from 'node:child_process'
import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { withElements } from './engine-elements.ts'
import { create, leftovers, workDirectory } from './harness.ts'
import { archiveInventory, type Entry, imageInventory } from './inventory.ts'
import { type ThrowAwayUser, throwAwayUser } from './throw-away-user.ts'

const root = new URL('../..', import.meta.url).pathname
const work = await workDirectory()
const ann = await throwAwayUser({ subordinate: true })
const bob = await throwAwayUser({ subordinate: false })

/** Files that only root can make: of many owners, with capabilities, attributes, and closed to their maker. */
const script = (text: string) => `#!/bin/bash\nset -eu\nset -o pipefail\n# block-device: optional\n${text}`
const elements = await withElements(work, {
  'owners/extra-data.d/50-owners': script(`
cd "$TMP_MOUNT_PATH"
mkdir -p var/lib/engine/secret home/ann
echo data > var/lib/engine/data
ln var/lib/engine/data var/lib/engine/same
ln -s data var/lib/engine/link
chmod 0700 var/lib/engine/secret
chown -R 101:102 var/lib/engine
chown -h 5:5 var/lib/engine/link
chmod 2750 var/lib/engine
cp usr/bin/true usr/bin/suid
chmod 4755 usr/bin/suid
cp usr/bin/true usr/bin/capable
setcap cap_net_raw,cap_net_bind_service+ep usr/bin/capable
touch closed
chmod 0 closed
sudo -n chown 65534:65534 closed
[ -z "\${WITH_NOTE:-}" ] || python3 -c 'import os; os.setxattr("closed", "user.note", b"kept")'
`),
  'owners/install.d/50-owners': script(`
echo mine > /home/ann/file
chown 1000:1000 /home/ann /home/ann/file
echo anything > /dev/null
[ "$(head -c 4 /dev/zero | wc -c)" = 4 ]
[ -d /proc/self ]
[ -d /sys/kernel ]
`),
  'pauses/cleanup.d/90-pauses': script('echo PAUSED\nsleep 60\n'),
})
const args = (name: string) => ['-n', '-o', name, '-t', 'raw,tar', '--checksum', 'tiny-os', 'owners']

/** Enters a directory that ann can reach wherever this repository lies, and becomes her. */
function asUser(user: ThrowAwayUser, command: readonly string[], directory: string) {
  const inside = 'umask "$1" && mount --bind -- "$2" "$3" && cd "$4" && shift 4 && exec "$@"'
  const shell = ['/bin/sh', '-c', inside, 'as-user', '077', root, `${work}/coffer`, directory]
  return ['unshare', '--mount', '--propagation', 'private', '--', ...shell, ...user.as, ...command] as const
}

function environment(user: ThrowAwayUser, directory: string, extra: Record<string, string> = {}) {
  return {
    PATH: '/usr/bin:/bin',
    HOME: directory,
    USER: user.name,
    ELEMENTS_PATH: `${work}/elements:${work}/coffer/test/fixtures/elements`,
    TMP_DIR: directory,
    // What sudo leaves when an administrator becomes this user.
    SUDO_UID: '1234',
    SUDO_GID: '1234',
    ...extra,
  }
}

async function createAs(
  user: ThrowAwayUser,
  words: readonly string[],
  directory: string,
  extra: Record<string, string> = {},
) {
  const command = [`${work}/coffer/builder/bin/disk-image-create`, ...words]
  const result = await run(asUser(user, command, directory), {
    env: environment(user, directory, extra),
    check: false,
    timeoutMs: 170_000,
  })
  return { ...result, output: result.stdout + result.stderr }
}

async function directoryOf(user: ThrowAwayUser): Promise<string> {
  const directory = `${work}/${user.name}`
  await mkdir(directory)
  await chown(directory, user.uid, user.gid)
  return directory
}

const home = await directoryOf(ann)
const bobsHome = await directoryOf(bob)
await mkdir(`${work}/coffer`)
await mkdir(`${work}/cache-of-root/packages`, { recursive: true })
await chown(`${work}/cache-of-root`, ann.uid, ann.gid)
await run(['chmod', '0755', work])

const withoutNote = (entries: ReadonlyMap<string, Entry>) =>
  new Map(
    [...entries].map(([name, entry]) => {
      const { 'user.note': _, ...attributes } = entry.attributes
      return [name, { ...entry, attributes }]
    }),
  )

describe('an ordinary user', () => {
  let image = new Map<string, Entry>()
  let archive = new Map<string, Entry>()

  beforeAll(async () => {
    const mine = await create(work, args('by-root'), {
      DIB_NO_TMPFS: '1',
      ELEMENTS_PATH: elements,
      WITH_NOTE: '1',
    })
    expect(mine.exitCode, mine.output).toBe(0)
    image = await imageInventory(`${work}/by-root.raw`)
    archive = await archiveInventory(`${work}/by-root.tar`)
    expect(image.get('var/lib/engine')).toMatchObject({ mode: 'drwxr-s---', owner: '101:102' })
    expect(Object.keys(image.get('usr/bin/capable')?.attributes ?? {})).toEqual(['security.capability'])
    expect(image.get('closed')).toMatchObject({ mode: '----------', owner: '65534:65534' })
    expect(Object.keys(image.get('closed')?.attributes ?? {})).toEqual(['user.note'])
  })

  test('builds the image that root builds: owners, modes, attributes, capabilities, content', async () => {
    const extra = { DIB_NO_TMPFS: '1', WITH_NOTE: '1' }
    const hers = await createAs(ann, ['--cache', ...args('on-disk')], home, extra)
    expect(hers.exitCode, hers.output).toBe(0)
    expect(hers.output).toContain(`user ids ${ann.subordinate}-`)
    expect(await imageInventory(`${home}/on-disk.raw`)).toEqual(image)
    expect(await archiveInventory(`${home}/on-disk.tar`)).toEqual(archive)
    expect(await leftovers(home)).toEqual([])
  })

  test('builds it from the results of its steps', async () => {
    const extra = { DIB_NO_TMPFS: '1', WITH_NOTE: '1' }
    const hers = await createAs(ann, ['--cache', '-u', ...args('cached')], home, extra)
    expect(hers.exitCode, hers.output).toBe(0)
    expect(hers.output).toContain('extra-data.d/50-owners comes from the cache')
    expect(await imageInventory(`${home}/cached.raw`)).toEqual(image)
    expect(await archiveInventory(`${home}/cached.tar`)).toEqual(archive)
  })

  test('builds it in memory too, and owns all outputs, with her own umask', async () => {
    const hers = await createAs(ann, args('in-memory'), home)
    expect(hers.exitCode, hers.output).toBe(0)
    expect(await imageInventory(`${home}/in-memory.raw`)).toEqual(withoutNote(image))
    expect(await archiveInventory(`${home}/in-memory.tar`)).toEqual(withoutNote(archive))
    const outputs = (await readdir(home)).filter((name) => name.startsWith('in-memory'))
    expect(outputs.sort()).toEqual(['raw', 'raw.md5', 'raw.sha256', 'tar'].map((name) => `in-memory.${name}`))
    for (const name of outputs) {
      const { uid, gid, mode } = await stat(`${home}/${name}`)
      expect([name, uid, gid, (mode & 0o777).toString(8)]).toEqual([name, ann.uid, ann.gid, '600'])
    }
  })
})

describe('SIGKILL of a build that holds files of subordinate ids on disk', () => {
  const words = ['--cache', '-n', '-o', 'killed', '-t', 'raw', 'tiny-os', 'owners', 'pauses']

  /** Kills what it is told to, once the build pauses. */
  async function killed(victims: (build: number) => Promise<readonly number[]>): Promise<void> {
    const command = [`${work}/coffer/builder/bin/disk-image-create`, ...words]
    const [program, ...rest] = asUser(ann, command, home)
    const child = spawn(program, rest, {
      env: environment(ann, home, { DIB_NO_TMPFS: '1' }),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    child.stdout.on('data', async (chunk: Buffer) => {
      const paused = output.includes('PAUSED')
      output += chunk
      if (paused || !output.includes('PAUSED')) return
      for (const pid of await victims(child.pid ?? 0)) process.kill(pid, 'SIGKILL')
    })
    await new Promise((resolve) => child.on('close', resolve))
    expect(output).toContain('PAUSED')
  }

  async function reaperOf(build: number): Promise<number> {
    for (const child of (await readFile(`/proc/${build}/task/${build}/children`, 'utf8')).trim().split(' ')) {
      if ((await readFile(`/proc/${child}/cmdline`, 'utf8')).includes('coffer-reaper')) return Number(child)
    }
    throw new Error('the build has no reaper')
  }

  const directories = async () => [
    ...(await readdir(home)).filter((name) => name.startsWith('dib_')),
    ...(await readdir(`${home}/.cache/image-create/steps-${ann.subordinate}-${ann.subordinate}/builds`)),
  ]

  test('leaves nothing', async () => {
    await killed(async (build) => [build])
    for (let tries = 0; tries < 100 && (await directories()).length > 0; tries++) await sleep(100)
    expect(await directories()).toEqual([])
    expect(await leftovers(home)).toEqual([])
    expect((await readdir(home)).filter((name) => name.startsWith('killed'))).toEqual([])
  })

  test('and of its reaper leaves directories, which her next build sweeps and nobody else can', async () => {
    await killed(async (build) => [await reaperOf(build), build])
    expect(await directories()).toHaveLength(3)
    const mine = await create(home, ['-n', '-o', `${work}/other`, '-t', 'tar', 'tiny-os'], { HOME: work })
    expect(mine.exitCode, mine.output).toBe(0)
    expect(await directories()).toHaveLength(3)
    const next = await createAs(ann, ['--cache', '-n', '-o', 'next', '-t', 'tar', 'tiny-os'], home)
    expect(next.exitCode, next.output).toBe(0)
    expect(next.output.match(/^.*Removing .*, left by a build that was killed$/gm)).toHaveLength(2)
    expect(await directories()).toEqual([])
    expect(await leftovers(home)).toEqual([])
  })
})

describe('refused before any work, with what to change', () => {
  test.each<[string, ThrowAwayUser, string, readonly string[], readonly string[], RegExp, RegExp]>([
    [
      'a user without subordinate ids',
      bob,
      bobsHome,
      [],
      ['tiny-os'],
      /^Building without root needs subordinate ids, and coffer-test-\d+ has no user ids in \/etc\/subuid$/m,
      /^hint: As root: usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ coffer-test-\d+; /m,
    ],
    [
      'a process that may gain no privileges',
      ann,
      home,
      ['setpriv', '--no-new-privs', '--'],
      ['tiny-os'],
      /may gain privileges \(no_new_privs\)$/m,
      /^hint: Leave out what sets it: NoNewPrivileges=yes/m,
    ],
    [
      'a script that insists on a loop device',
      ann,
      home,
      [],
      ['tiny-os', 'needs-loop'],
      /^This image cannot be built without root: cleanup\.d\/50-needs-loop of element needs-loop uses IMAGE_BLOCK_DEVICE$/m,
      /^hint: It needs loop devices/m,
    ],
    [
      'a cache in which a build with sudo has left files',
      ann,
      home,
      [],
      ['--image-cache', `${work}/cache-of-root`, 'tiny-os'],
      /cache-of-root\/packages in the cache belongs to root/m,
      /^hint: Take it over: sudo chown -R /m,
    ],
  ])('%s', async (_, user, directory, prefix, named, message, hint) => {
    const before = await readdir(directory)
    const command = [
      ...prefix,
      `${work}/coffer/builder/bin/disk-image-create`,
      '-n',
      '-o',
      'refused',
      ...named,
    ]
    const result = await run(asUser(user, command, directory), {
      env: environment(user, directory),
      check: false,
    })
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(message)
    expect(result.stderr).toMatch(hint)
    expect(result.stderr).not.toMatch(/\n\s+at /)
    expect(await readdir(directory)).toEqual(before)
  })
})
