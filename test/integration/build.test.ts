import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()

describe('a whole build of a tiny operating system', () => {
  let output = ''
  beforeAll(async () => {
    const result = await create(work, [
      '-n',
      '-o',
      'every',
      '-t',
      'raw,tar,qcow2',
      'tiny-os',
      'every-phase',
      'block-device-mbr',
    ])
    output = result.output
    expect(result.exitCode, output).toBe(0)
  })

  test("runs the phases in DIB's order", () => {
    const order = [...output.matchAll(/^PHASE (\S+)/gm)].map((match) => match[1])
    expect(order).toEqual(
      'root.d extra-data.d pre-install.d install.d post-install.d post-root.d block-device.d pre-finalise.d finalise.d cleanup.d'.split(
        ' ',
      ),
    )
  })

  test('sets TARGET_ROOT in root.d and cleanup.d only', () => {
    const seen = [...output.matchAll(/^PHASE (\S+) .* target_root=(\S+)/gm)].filter(
      (match) => match[2] !== 'none',
    )
    expect(seen.map((match) => match[1])).toEqual(['root.d', 'cleanup.d'])
  })

  test("runs scripts of the chroot in / as root, the others in the caller's directory", () => {
    expect(output).toMatch(/^PHASE install\.d cwd=\/ home=\/root /m)
    expect(output).toMatch(new RegExp(`^PHASE cleanup\\.d cwd=${work} `, 'm'))
  })

  test('tells scripts the install type from extra-data.d on', () => {
    expect(output).toMatch(/^PHASE root\.d .* type=none/m)
    expect(output).toMatch(/^PHASE extra-data\.d .* type=source/m)
  })

  test('gives the image size in KiB from block-device.d on', () => {
    expect(output).toMatch(/^PHASE post-root\.d .* size=none/m)
    expect(output).toMatch(/^PHASE block-device\.d .* size=\d{5,}/m)
  })

  test('writes every format that was asked for', async () => {
    const info = JSON.parse((await run(['qemu-img', 'info', '--output=json', `${work}/every.qcow2`])).stdout)
    expect(info).toMatchObject({ format: 'qcow2' })
    const members = (await run(['tar', '-tf', `${work}/every.tar`])).stdout.split('\n')
    expect(members).toContain('./etc/os-release')
    const table = (await run(['sfdisk', '--json', `${work}/every.raw`])).stdout
    expect(JSON.parse(table).partitiontable).toMatchObject({
      label: 'dos',
      partitions: [{ start: 2048, bootable: true }],
    })
  })

  test('leaves nothing of the build in the image', async () => {
    const members = (await run(['tar', '-tf', `${work}/every.tar`])).stdout
    expect(members).not.toMatch(/in_target|resolv\.conf|^\.\/tmp\/./m)
  })

  test('leaves nothing on the machine', async () => {
    expect(await leftovers(work)).toEqual([])
  })
})

test('a failing script ends the build with its own status, names itself and says how to look around', async () => {
  for (const [phase, status] of [
    ['root.d', 37],
    ['install.d', 38],
    ['block-device.d', 39],
  ] as const) {
    const result = await create(work, ['-n', '-o', 'fails', 'tiny-os', 'every-phase'], {
      FAIL_IN: phase,
      FAIL_WITH: String(status),
    })
    expect(result.exitCode).toBe(status)
    expect(result.output).toContain(
      `${phase}/90-every-phase of element every-phase failed with status ${status}`,
    )
    expect(result.output).toContain('break=')
    expect(result.output).not.toContain(`PROFILING -----------------------\n\nTarget: ${phase}`)
  }
  expect(await leftovers(work)).toEqual([])
})

test('a log file holds all output with timestamps and quiets the terminal', async () => {
  const result = await create(work, ['-n', '-o', 'logged', '-t', 'tar', '--logfile', 'build.log', 'tiny-os'])
  expect(result.stdout).toBe('Output logs going to: build.log\n')
  const log = await readFile(`${work}/build.log`, 'utf8')
  expect(log).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| Building elements: tiny-os$/m)
  expect(log).toMatch(/\| Build completed successfully$/m)
})

test('progress can be read by a program', async () => {
  const result = await create(work, ['-n', '-o', 'events', '-t', 'tar', '--monitor', 'json', 'tiny-os'])
  const events = result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string })
  expect(events[0]).toMatchObject({ event: 'phase-started', phase: 'root.d', scripts: 1 })
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'script-finished', script: '10-tiny-os', status: 0 }),
  )
  // A tree without dpkg: the list is there and empty.
  expect(events).toContainEqual(expect.objectContaining({ event: 'packages', packages: [] }))
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'output', format: 'tar', path: 'events.tar' }),
  )
})
