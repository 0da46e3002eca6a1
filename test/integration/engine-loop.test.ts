import { open } from 'node:fs/promises'
import { beforeAll, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
let output = ''
beforeAll(async () => {
  const result = await create(work, [
    '-n',
    '-o',
    'loop',
    '-t',
    'raw',
    'tiny-os',
    'leaves-things',
    'needs-loop',
    'block-device-mbr',
  ])
  output = result.output
  expect(result.exitCode, output).toBe(0)
})

test('a script that uses IMAGE_BLOCK_DEVICE gets loop devices, and the build says why', () => {
  expect(output).toMatch(
    /^Writing the disk through loop devices: \S+ of element needs-loop uses IMAGE_BLOCK_DEVICE$/m,
  )
  const [, device] = /^DEVICE finalise\.d (\/dev\/loop\d+)$/m.exec(output) ?? []
  for (const phase of ['pre-finalise.d', 'finalise.d', 'cleanup.d']) {
    expect(output).toContain(`DEVICE ${phase} ${device}\n`)
    expect(output).toContain(`DEVICES ${phase} image0=${device}\n`)
    expect(output).toMatch(new RegExp(`^DEVICES ${phase} root=/dev/loop\\d+$`, 'm'))
  }
})

test("the tree is on the partition's file system while the script runs", () => {
  const [, root] = /^DEVICES cleanup\.d root=(\S+)$/m.exec(output) ?? ['', 'none']
  expect(output).toContain(`MOUNTED ${root}\n`)
})

test('what scripts write to the disk and to the tree is in the image', async () => {
  const file = await open(`${work}/loop.raw`)
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0)
  await file.close()
  expect(buffer.toString('latin1', 0, 11)).toBe('COFFER-TEST')
  expect(buffer.readUInt16LE(510)).toBe(0xaa55)
  const listing = async (path: string) =>
    (await run(['debugfs', '-R', `ls -p ${path}`, `${work}/loop.raw?offset=1048576`])).stdout
  expect(await listing('/etc')).toContain('/written/')
  expect(await listing('/')).toContain('/.top/')
  expect(await listing('/tmp')).not.toContain('crumbs')
  expect(await listing('/srv/bind')).not.toContain('of-the-host')
})

test('no loop device, mount or directory stays', async () => {
  expect(await leftovers(work)).toEqual([])
})

test('the same when a script fails while the file systems are mounted', async () => {
  const result = await create(
    work,
    ['-n', '-o', 'failed', '-t', 'raw', 'tiny-os', 'every-phase', 'needs-loop'],
    {
      FAIL_IN: 'cleanup.d',
    },
  )
  expect(result.exitCode).toBe(37)
  expect(result.output).not.toContain('could not be released')
  expect(result.durationMs).toBeLessThan(25_000)
  expect(await leftovers(work)).toEqual([])
})
