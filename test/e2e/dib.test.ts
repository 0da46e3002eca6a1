import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { bootCheck } from '../../builder/bootcheck/boot-check.ts'
import { hostMirrors } from '../../builder/packages/mirrors.ts'
import { dibElements, dibHost, root, tool, workDirectory } from './harness.ts'
import { type Member, memberDifferences, tarMembers } from './tar-members.ts'

const work = await workDirectory()
const mirror = (await hostMirrors()).find(({ distribution }) => distribution === 'debian')

/** DIB 3.13 itself only knows the names that security suites had before bookworm. */
const bookworm = {
  DIB_RELEASE: 'bookworm',
  DIB_DISTRIBUTION_MIRROR: mirror?.uri ?? '',
  DIB_APT_SOURCES_CONF: [
    `default:deb ${mirror?.uri} bookworm main`,
    `updates:deb ${mirror?.uri} bookworm-updates main`,
    `security:deb ${mirror?.securityUri} bookworm-security main`,
  ].join('\n'),
}
const realDib = (directory: string, args: readonly string[], env: Record<string, string>) =>
  tool(directory, ['/usr/bin/disk-image-create', ...args], {
    ...env,
    PATH: `${dibHost}:${process.env.PATH}`,
    DIB_IMAGE_CACHE: `${work}/dib-cache`,
  })

/**
 * Files that two runs of DIB itself would not write alike, or that hold the build's own circumstances. The list users
 * read is in docs/dib-differences.md.
 */
const VOLATILE = [
  /^\.\/dev\//, // DIB archives the build host's device nodes: /dev is still bound when it makes the tar
  /^\.\/boot\/grub\/i386-pc\/(core\.img|load\.cfg)$/, // hold the file system's random UUID
  /^\.\/boot\/initrd\.img-/, // a gzip of files with the time of the build
  /^\.\/etc\/dib-manifests\/dib_(environment|arguments)$/,
  /^\.\/etc\/iscsi\/initiatorname\.iscsi$/, // random
  /^\.\/var\/cache\/ldconfig\/aux-cache$/, // inode numbers and times
]

describe('elements of DIB, unmodified', () => {
  let real = new Map<string, Member>()
  let ours = new Map<string, Member>()

  beforeAll(async () => {
    await mkdir(`${work}/real`)
    await mkdir(`${work}/ours`)
    expect(existsSync(dibElements), 'python3-diskimage-builder is installed').toBe(true)
    const dib = await realDib(`${work}/real`, ['-t', 'tar', 'debian-minimal', 'vm'], bookworm)
    expect(dib.exitCode, dib.output.slice(-4000)).toBe(0)
    const coffer = await tool(
      `${work}/ours`,
      [`${root}builder/bin/disk-image-create`, '-t', 'tar,qcow2', 'debian-minimal', 'vm'],
      { ...bookworm, ELEMENTS_PATH: dibElements },
    )
    expect(coffer.exitCode, coffer.output.slice(-4000)).toBe(0)
    real = await tarMembers(`${work}/real/image.tar`)
    ours = await tarMembers(`${work}/ours/image.tar`)
  })

  test('give the same tree as under DIB: name, type, mode, owner, link and content of every file', () => {
    expect(real.size).toBeGreaterThan(10_000)
    const different = memberDifferences(real, ours)
    const unexpected = [...different].filter(([name]) => !VOLATILE.some((pattern) => pattern.test(name)))
    expect(unexpected).toEqual([])
  })

  test('give an image that boots to a login prompt', async () => {
    const result = await bootCheck({
      image: `${work}/ours/image.qcow2`,
      firmware: 'bios',
      machine: 'plain',
      timeoutMs: 300_000,
      expect: /login:/,
    })
    expect(result.line).toContain('login:')
  })
})

test('real DIB builds our elements to a tar archive', async () => {
  const { DIB_APT_SOURCES_CONF: _, ...plain } = bookworm
  const result = await realDib(
    work,
    ['-n', '-o', 'ours-by-dib', '-t', 'tar', 'debian-minimal', 'vm', 'database-guest', 'redis'],
    {
      ...plain,
      ELEMENTS_PATH: `${root}elements`,
    },
  )
  expect(result.exitCode, result.output.slice(-4000)).toBe(0)
  const members = await tarMembers(`${work}/ours-by-dib.tar`)
  expect(members.has('./usr/bin/redis-server')).toBe(true)
  expect(members.has('./usr/lib/coffer/datastore-check')).toBe(true)
  expect(members.has('./boot/grub/grub.cfg')).toBe(true)
})
