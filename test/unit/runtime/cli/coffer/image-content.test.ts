import { mkdtempSync } from 'node:fs'
import { copyFile, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../../../lib/exec.ts'
import { digestFile } from '../../../../../lib/hash.ts'
import { removeTree } from '../../../../../lib/tree.ts'
import { guestTree, RECORD, REDIS, recordFor, TCPDUMP } from '../../../registry/content/guest-tree.ts'
import { emptyFile, extImage, partition, tool, writeFiles } from '../../../registry/content/make-images.ts'

const root = new URL('../../../../..', import.meta.url).pathname
const home = mkdtempSync(join(tmpdir(), 'image-content-'))
afterAll(() => removeTree(home))

const MEBIBYTE = 1024 ** 2
const binary = Buffer.from([0, 255, 10, 13, 128, 0])

const image = (...words: string[]) =>
  run([join(root, 'runtime/bin/coffer'), 'image', ...words], {
    check: false,
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, COFFER_STATE_DIR: join(home, 'state') },
  })

beforeAll(async () => {
  const tree = await guestTree(join(home, 'tree'), [REDIS], {
    'usr/bin/\x1b[31mred': '',
    'opt/binary': binary,
    'etc/shadow': 'root:secret',
  })
  await symlink('../../../../../../etc/passwd', join(tree, 'opt', 'link'))
  await symlink('opt', join(tree, 'short'))
  const raw = await emptyFile(join(home, 'redis.raw'), 16 * MEBIBYTE)
  await partition(
    raw,
    'label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=BSP\nsize=12MiB, name=root\n',
  )
  const capability = join(home, 'capability')
  await writeFile(capability, Buffer.from('0100000200200000000000000000000000000000', 'hex'))
  await extImage(raw, tree, {
    place: { offset: 2 * MEBIBYTE, bytes: 12 * MEBIBYTE },
    words: ['-L', 'system', '-U', '58d5f6d1-070e-46f1-abf1-a5df468dde75'],
    debugfs: [
      `ea_set -f ${capability} /usr/bin/redis-server security.capability`,
      'sif /usr/bin/redis-server uid 101',
      'sif /usr/bin/redis-server gid 4711',
      'sif /usr/bin/redis-server mode 0104755',
      'sif /usr/bin/redis-server mtime @0x65000000',
      'mknod null c 1 3',
    ],
  })
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-c', raw, join(home, 'redis.qcow2'))
  const { size } = await stat(join(home, 'redis.qcow2'))
  const digest = await digestFile(join(home, 'redis.qcow2'))
  await writeFiles(join(home, 'redis.d'), recordFor('redis.qcow2', 'qcow2', size, digest))
})

describe('coffer image inspect', () => {
  test('shows disk, file systems, system, engine and build', async () => {
    const { stdout, stderr, exitCode } = await image('inspect', 'redis.qcow2')
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    for (const line of [
      /\| format +\| qcow2 /,
      /\| virtual size +\| 16\.0 MiB \(16777216 bytes\)/,
      /\| partition table +\| gpt /,
      /\| operating system +\| Debian GNU\/Linux 12 \(bookworm\) /,
      /\| kernel +\| 6\.1\.0-56-amd64 /,
      /\| datastore +\| redis /,
      /\| engine +\| 5:7\.0\.15-1, redis-server\.service, port 6379, \/var\/lib\/redis /,
      /\| guest agent +\| 0\.1\.0\+fedcba987654 /,
      /\| node +\| 24\.0\.0 /,
      /\| packages +\| 1 /,
      /\| elements +\| debian-minimal redis /,
      /\| built by +\| coffer 0\.1\.0 /,
      / 1 \| BIOS boot \| BSP +\| +1\.0 MiB /,
      / 2 \| Linux +\| root +\| +12\.0 MiB \| ext4 +\| system \| 58d5f6d1-070e-46f1-abf1-a5df468dde75 \|/,
    ]) {
      expect(stdout).toMatch(line)
    }
  })

  test('tells programs the same, and finds versions of agent and node without a record', async () => {
    const { stdout } = await image('inspect', 'redis.raw', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'raw',
      fileSize: 16 * MEBIBYTE,
      partitionTable: 'gpt',
      partitions: [
        { number: 1, typeName: 'BIOS boot' },
        { number: 2, fileSystem: { type: 'ext4', label: 'system' } },
      ],
      os: { id: 'debian', version: '12' },
      kernels: [{ release: '6.1.0-56-amd64', image: '/boot/vmlinuz-6.1.0-56-amd64', modules: true }],
      agentVersion: '0.1.0+0123456789ab',
      nodeVersion: '24.21.0',
      packages: 1,
      notes: [],
    })
  })

  test('shows the disk of an image whose files cannot be read, and says so', async () => {
    await emptyFile(join(home, 'blank.raw'), MEBIBYTE)
    expect(await image('inspect', 'blank.raw')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('1.0 MiB'),
      stderr: 'note: The image cannot be looked into: no file system was found in it\n',
    })
  })
})

describe('coffer image ls', () => {
  test('lists names', async () => {
    expect((await image('ls', 'redis.qcow2')).stdout).toBe(
      'bin\nboot\netc\nlost+found\nnull\nopt\nshort\nusr\nvar\n',
    )
    expect((await image('ls', 'redis.qcow2', '/short')).stdout).toBe('binary\nlink\n')
    expect((await image('ls', 'redis.qcow2', 'etc/passwd')).stdout).toBe('etc/passwd\n')
  })

  test('-l shows mode, owner, group, size, time, link target and capabilities', async () => {
    const { stdout } = await image('ls', 'redis.qcow2', '-l', '/usr/bin')
    expect(stdout).toMatch(
      /^-rwsr-xr-x 1 redis 4711 +7 2023-09-12 06:06 redis-server {2}\[security\.capability=cap_net_raw=ep\]$/m,
    )
    const top = (await image('ls', '-l', 'redis.qcow2')).stdout
    expect(top).toMatch(/^lrwxrwxrwx .* bin -> usr\/bin$/m)
    expect(top).toMatch(/^c.* 1,3 .* null$/m)
    expect((await image('ls', '-l', 'redis.qcow2', '/short')).stdout).toMatch(/^l.*\/short -> opt\n$/)
    expect((await image('ls', '-l', 'redis.qcow2', '/short/')).stdout).toMatch(/binary\nl.*link -> /)
  })

  test('-R lists everything below by whole paths', async () => {
    const { stdout } = await image('ls', '-R', 'redis.qcow2', '/etc')
    expect(stdout.split('\n')).toContain('/etc/redis/redis.conf')
    expect(JSON.parse((await image('ls', '-R', '--json', 'redis.qcow2', '/usr/bin')).stdout)).toContainEqual({
      path: '/usr/bin/redis-server',
      name: 'redis-server',
      type: 'file',
      mode: '4755',
      uid: 101,
      gid: 4711,
      user: 'redis',
      size: 7,
      links: 1,
      modified: '2023-09-12T06:06:56.000Z',
      attributes: { 'security.capability': 'AQAAAgAgAAAAAAAAAAAAAAAAAAA=' },
    })
  })

  test('no name drives the terminal', async () => {
    const { stdout } = await image('ls', '-l', 'redis.qcow2', '/usr/bin')
    expect(stdout).toContain('\\x1b[31mred')
    expect(stdout).not.toContain('\x1b')
  })

  test('says what does not exist, with status 1', async () => {
    expect(await image('ls', 'redis.qcow2', '/nowhere')).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: '/nowhere does not exist in the image\n',
    })
  })
})

describe('coffer image cat', () => {
  test('gives the bytes, of several files in their order, links followed inside the image', async () => {
    const { stdoutBytes, exitCode } = await run(
      [
        join(root, 'runtime/bin/coffer'),
        'image',
        'cat',
        join(home, 'redis.qcow2'),
        '/opt/binary',
        '/opt/link',
      ],
      { binary: true },
    )
    expect(exitCode).toBe(0)
    const passwd = await readFile(join(home, 'tree/etc/passwd'))
    expect(Buffer.from(stdoutBytes)).toEqual(Buffer.concat([binary, passwd]))
  })

  test('goes on after what it cannot show, and ends with status 1', async () => {
    expect(await image('cat', 'redis.qcow2', '/nowhere', '/etc', '/null', '/etc/fstab')).toEqual(
      expect.objectContaining({
        exitCode: 1,
        stdout: 'LABEL=system / ext4 defaults 0 1\n',
        stderr: expect.stringMatching(
          /^\/nowhere does not exist in the image\n\/etc is not a file but a directory\nhint: .*\n\/null is not a file but a character device\n/,
        ),
      }),
    )
  })
})

test('output that cannot be written is told in a sentence', async () => {
  const script = `exec '${join(root, 'runtime/bin/coffer')}' image cat redis.raw /opt/binary >/dev/full`
  expect(await run(['sh', '-c', script], { check: false, cwd: home })).toMatchObject({
    exitCode: 1,
    stderr: 'ENOSPC: no space left on device, write\n',
  })
})

describe('coffer image diff', () => {
  test('ends with 0 for the same content, 1 for other content, 2 when that cannot be told', async () => {
    expect(await image('diff', 'redis.qcow2', 'redis.raw')).toMatchObject({
      exitCode: 0,
      stdout: 'The images have the same content.\n',
      stderr: '',
    })
    expect(await image('diff', 'redis.qcow2', 'nothing.raw')).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Image nothing\.raw cannot be found\.\nhint: /),
    })
  })

  test('names packages, files with their packages, configuration and sizes', async () => {
    const tree = await guestTree(join(home, 'tree-2'), [REDIS, TCPDUMP], {
      'etc/redis/redis.conf': 'port\t1\nsave 900 1\n',
    })
    const one = await extImage(join(home, 'one.raw'), await guestTree(join(home, 'tree-1'), [REDIS]), {
      mebibytes: 8,
    })
    const two = await extImage(join(home, 'two.raw'), tree, { mebibytes: 8 })
    const { stdout, exitCode } = await image('diff', one, two)
    expect(exitCode).toBe(1)
    for (const text of [
      'Packages: 1 added, 0 removed, 0 changed\n  + tcpdump 4.99.3-1 amd64\n',
      'Files: 7 added, 0 removed, 2 changed\n',
      '  of tcpdump:\n    + /usr/bin/tcpdump\n',
      '  of redis-server:\n    ~ /etc/redis/redis.conf  (content)\n',
      `--- ${one}/etc/redis/redis.conf\n+++ ${two}/etc/redis/redis.conf\n@@ -1,2 +1,2 @@\n-port 6379\n+port\t1\n save 900 1\n`,
      '| all files ',
    ]) {
      expect(stdout).toContain(text)
    }
    const told = JSON.parse((await image('diff', '--json', one, two)).stdout) as Record<string, unknown>
    expect(told).toMatchObject({ same: false, packages: { added: [{ name: 'tcpdump' }] } })
  })
})

describe('coffer image why', () => {
  test('names package, step and element of a file', async () => {
    expect((await image('why', 'redis.qcow2', '/bin/redis-server')).stdout).toBe(
      `/usr/bin/redis-server: file
  package     redis-server 5:7.0.15-1 amd64 (source redis)
  from        https://mirror.example/redis.deb
  content     as the package brought it
  written by  install.d/30-redis of element redis
`,
    )
  })

  test('tells what dpkg alone knows where the record is that of another build', async () => {
    await copyFile(join(home, 'redis.raw'), join(home, 'old.raw'))
    await writeFiles(join(home, 'old.d'), recordFor('old.raw', 'raw', 1, 'c'.repeat(64)))
    const { stdout, stderr } = await image('why', 'old.raw', '/etc/redis')
    expect(stderr).toBe(
      `note: ${home}/old.d is not the record of this image's build: none of its outputs is this file\n`,
    )
    expect(stdout).toBe(
      `/etc/redis: directory
  package     redis-server 5:7.0.15-1 amd64 (source redis)
  written by  unknown: there is no record of the build beside the image
  in it       1 files, 0 of them of no package
              1 of package redis-server
`,
    )
  })

  test('ends with status 1 for what does not exist, with what may have been meant', async () => {
    expect(await image('why', 'redis.qcow2', '/usr/bin/redis-sever')).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: '/usr/bin/redis-sever does not exist in the image\nhint: There is /usr/bin/redis-server.\n',
    })
  })
})

test('an image in the store is looked into by its name, and has the record that was beside its file', async () => {
  const id = (await image('put', 'redis.qcow2', '--name', 'spare')).stdout.trim()
  const told = JSON.parse((await image('inspect', 'spare', '--json')).stdout) as Record<string, unknown>
  expect(told).toMatchObject({
    format: 'qcow2',
    elements: ['debian-minimal', 'redis'],
    builderVersion: '0.1.0',
  })
  const why = JSON.parse((await image('why', '--json', id.slice(0, 8), '/etc/passwd')).stdout) as Record<
    string,
    unknown
  >
  expect(why).toMatchObject({
    path: '/etc/passwd',
    packages: [],
    steps: [
      { place: 0, ...RECORD.steps[0] },
      { place: 1, ...RECORD.steps[1] },
    ],
  })
  expect((await image('cat', 'spare', '/opt/link')).stdout).toContain('root:x:0')
  expect(await image('ls', 'nobody-knows-it')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^Image nobody-knows-it cannot be found\.\nhint: /),
  })
})
