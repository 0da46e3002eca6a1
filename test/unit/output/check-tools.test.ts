import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTools } from '../../../builder/output/index.ts'
import { findProgram } from '../../../lib/find-program.ts'

let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'check-tools-test-'))
})
afterAll(() => rm(empty, { recursive: true }))

test.each([
  ['qcow2', 'qcow2 output format specified but qemu-img executable not found.', 'qemu-utils'],
  ['vmdk', 'vmdk output format specified but qemu-img executable not found.', 'qemu-utils'],
  ['vhd', 'vhd output format specified but qemu-img executable not found.', 'qemu-utils'],
  ['squashfs', 'squashfs output format specified but no mksquashfs executable found.', 'squashfs-tools'],
  ['docker', 'docker output format specified but no docker executable found.', 'docker.io'],
])(
  'a missing program of %s is told in DIB’s words, with the package that brings it',
  async (type, message, name) => {
    await expect(checkTools([type], { env: { PATH: empty } })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message,
      hint: `On Debian: apt-get install ${name}`,
      exitCode: 1,
    })
  },
)

test('the first format of the list that cannot be made is the one reported', async () => {
  await expect(checkTools(['raw', 'squashfs', 'qcow2'], { env: { PATH: empty } })).rejects.toThrow(
    /^squashfs /,
  )
})

test('raw needs nothing', async () => {
  await checkTools(['raw'], { env: { PATH: empty } })
})

test('docker needs a name for its image', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'check-tools-docker-'))
  await symlink('/bin/true', join(directory, 'docker'))
  await symlink((await findProgram('tar')) ?? '', join(directory, 'tar'))
  const env = { PATH: directory }
  await expect(checkTools(['docker'], { env })).rejects.toThrow('Please set --docker-target.')
  await expect(checkTools(['docker'], { env, dockerTarget: '' })).rejects.toThrow(
    'Please set --docker-target.',
  )
  await checkTools(['docker'], { env, dockerTarget: 'x:1' })
  await rm(directory, { recursive: true })
})

test('the gzip that DIB_GZIP_BIN names is looked for', async () => {
  await expect(checkTools(['tgz'], { env: { ...process.env, DIB_GZIP_BIN: 'nogzip' } })).rejects.toThrow(
    'tgz output format specified but no nogzip executable found.',
  )
})

test('a word that only qemu-img knows passes, a typing mistake is found before the build', async () => {
  await checkTools(['parallels'])
  await expect(checkTools(['qcow3'])).rejects.toMatchObject({
    code: 'OUTPUT_TYPE_UNKNOWN',
    hint: expect.stringContaining('Did you mean qcow2'),
  })
  await expect(checkTools(['bochs'])).rejects.toMatchObject({ code: 'OUTPUT_TYPE_UNKNOWN' })
})

test('an output directory that is not there is found before the build', async () => {
  await checkTools(['raw'], { imageName: join(empty, 'image') })
  await expect(checkTools(['raw'], { imageName: join(empty, 'no', 'image') })).rejects.toMatchObject({
    code: 'OUTPUT_DIRECTORY_MISSING',
  })
})
