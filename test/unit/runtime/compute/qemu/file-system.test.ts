import { mkdtemp, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../../../../lib/exec.ts'
import { removeTree } from '../../../../../lib/tree.ts'
import { makeFileSystem } from '../../../../../runtime/compute/qemu/file-system.ts'

const SIZE = 256 * 1024 * 1024
let directory = ''
let file = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-file-system.'))
  file = join(directory, 'data.raw')
  await writeFile(file, '')
  await truncate(file, SIZE)
})
afterEach(() => removeTree(directory))

const blkid = async () =>
  (await run(['blkid', '--probe', '--output', 'export', file], { check: false })).stdout

test('a new volume gets the file system that its guest will want, and takes hardly any room', async () => {
  await makeFileSystem(file, 'ext4', SIZE)
  expect(await blkid()).toMatch(/^TYPE=ext4$/m)
  const { size, blocks } = await stat(file)
  expect(size).toBe(SIZE)
  expect(blocks * 512).toBeLessThan(32 * 1024 * 1024)
  await run(['e2fsck', '-f', '-n', file])
})

test('what this machine does not make is left to the guest: the volume is blank', async () => {
  for (const fsType of ['xfs', 'zfs', undefined]) {
    await makeFileSystem(file, fsType, SIZE)
    expect(await blkid()).toBe('')
  }
  // Too small for a journal and all the rest.
  await truncate(file, 1024)
  await makeFileSystem(file, 'ext4', 1024)
  expect(await blkid()).toBe('')
  expect((await stat(file)).size).toBe(1024)
})
