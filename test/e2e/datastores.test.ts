import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { bootCheck } from '../../builder/bootcheck/boot-check.ts'
import { run } from '../../lib/exec.ts'
import { sha256 } from '../../lib/hash.ts'
import { root, tool, workDirectory } from './harness.ts'
import { builtImage } from './shared-images.ts'
import { type Member, tarMembers } from './tar-members.ts'

const work = await workDirectory()

/** Files that must not exist in an image: identity and secrets that every guest would share. */
const FORBIDDEN = [
  /^\.\/etc\/ssh\/ssh_host_/,
  /^\.\/var\/lib\/mysql\/(auto\.cnf|.*\.pem)$/,
  /^\.\/var\/lib\/systemd\/random-seed$/,
  /^\.\/root\/\.(ssh\/|bash_history|mysql_history)/,
  /^\.\/etc\/apt\/apt\.conf\.d\/.*proxy/,
  /^\.\/var\/cache\/apt\/.*\.(deb|bin)$/,
  /^\.\/var\/lib\/apt\/lists\/.*(Packages|Release)/,
  /^\.\/etc\/ssl\/private\/.*\.key$/,
  /^\.\/tmp\/./,
]

describe.each([
  ['mysql', /ready: .*\b9\.\d+/],
  ['mariadb', /ready: .*\b10\.11\./],
  ['postgresql', /ready: .*\b15\./],
  ['redis', /ready: .*\b7\.0\./],
] as const)('build-image %s', (datastore, version) => {
  let path = ''
  let image = ''
  let output = ''
  let members = new Map<string, Member>()

  beforeAll(async () => {
    ;({ path, output } = await builtImage(datastore))
    image = `${path}.qcow2`
    members = await tarMembers(`${path}.tar`)
    await run(['rm', '--', `${path}.tar`])
  })

  test('boots under SeaBIOS and OVMF, where a real server answers a query', () => {
    expect(output).toMatch(new RegExp(`boot check \\(bios, \\w+\\): coffer: ${datastore} ${version.source}`))
    expect(output).toMatch(new RegExp(`boot check \\(uefi, \\w+\\): coffer: ${datastore} ${version.source}`))
  })

  test('boots as the only disk of a plain machine: IDE, no options', async () => {
    const result = await bootCheck({ image, firmware: 'bios', machine: 'plain', timeoutMs: 300_000 })
    expect(result.line).toMatch(version)
  })

  if (datastore === 'mysql')
    test('boots under OVMF from an IDE disk, too', async () => {
      const result = await bootCheck({ image, firmware: 'uefi', machine: 'plain', timeoutMs: 300_000 })
      expect(result.line).toMatch(version)
    })

  test('holds no shared identity and no secret', async () => {
    const found = [...members.keys()].filter((name) => FORBIDDEN.some((pattern) => pattern.test(name)))
    expect(found).toEqual([])
    expect(members.get('./etc/machine-id')?.content).toBe(sha256(''))
  })

  test('has a log, and its qcow2 is compressed and has no backing file', async () => {
    expect(await readFile(`${path}.log`, 'utf8')).toContain('Build completed successfully')
    const info = JSON.parse((await run(['qemu-img', 'info', '--output=json', image])).stdout)
    expect(info['backing-filename']).toBeUndefined()
    expect(info['actual-size']).toBeLessThan(info['virtual-size'] / 2)
  })
})

test('a second build needs no network: --offline takes all from the cache', async () => {
  const withoutNetwork = [
    'unshare',
    '--net',
    '--',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
  ] as const
  const result = await tool(work, [
    ...withoutNetwork,
    ...[
      `${root}builder/bin/build-image`,
      'redis',
      '--offline',
      '-o',
      'offline',
      '--boot-check',
      '--firmware',
      'bios',
    ],
  ])
  expect(result.exitCode, result.output).toBe(0)
  expect(result.output).toContain('coffer: redis ready:')
})
