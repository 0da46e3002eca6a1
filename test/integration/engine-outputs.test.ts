import { readdir, readFile, stat } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { withElements } from './engine-elements.ts'
import { bin, buildEnvironment, create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()
const named = async (start: string) => (await readdir(work)).filter((name) => name.startsWith(start)).sort()

describe('several formats in one run, twice', () => {
  let first = ''
  let second = ''
  const args = [
    '-n',
    '-o',
    'many',
    '-t',
    'raw,tgz,qcow2,tar,vmdk',
    '--checksum',
    'tiny-os',
    'block-device-mbr',
  ]
  beforeAll(async () => {
    for (const keep of [
      (text: string) => {
        first = text
      },
      (text: string) => {
        second = text
      },
    ]) {
      const result = await create(work, args)
      expect(result.exitCode, result.output).toBe(0)
      keep(result.output)
    }
  })

  test('the raw image comes last, and the tgz takes the place of the tar', () => {
    const created = [...first.matchAll(/^Image file (\S+) created\.\.\.$/gm)].map((match) => match[1])
    expect(created).toEqual(['many.tgz', 'many.qcow2', 'many.vmdk', 'many.raw'])
  })

  test('images of the first run are kept under its date, their checksums with them', async () => {
    const names = await named('many')
    for (const suffix of ['qcow2', 'raw', 'vmdk']) {
      const old = names.filter((name) =>
        new RegExp(`^many-\\d{4}(\\.\\d\\d){2}-\\d\\d(\\.\\d\\d){2}\\.${suffix}$`).test(name),
      )
      expect(old).toHaveLength(1)
      expect(names).toEqual(
        expect.arrayContaining([`${old[0]}.md5`, `${old[0]}.sha256`, `many.${suffix}.md5`]),
      )
      expect(second).toContain(`Old image found. Renaming it to ${old[0]}`)
    }
    expect(names.filter((name) => name.endsWith('-new'))).toEqual([])
  })

  test('checksum files name the image as -o did, and are right', async () => {
    expect(await readFile(`${work}/many.qcow2.sha256`, 'utf8')).toMatch(/^[0-9a-f]{64} {2}many\.qcow2\n$/)
    const check = await run(['sha256sum', '-c', 'many.qcow2.sha256', 'many.raw.sha256', 'many.vmdk.sha256'], {
      cwd: work,
    })
    expect(check.stdout).toBe('many.qcow2: OK\nmany.raw: OK\nmany.vmdk: OK\n')
  })

  test('all formats hold the same disk', async () => {
    for (const name of ['many.qcow2', 'many.vmdk'])
      await run(['qemu-img', 'compare', 'many.raw', name], { cwd: work })
  })
})

test('with one type its suffix on -o is dropped; -u leaves the image uncompressed', async () => {
  await create(work, ['-n', '-o', 'small.qcow2', '-t', 'qcow2', 'tiny-os'])
  await create(work, ['-n', '-u', '-o', 'large.qcow2', '-t', 'qcow2', 'tiny-os'])
  expect(await named('small')).toEqual(['small.qcow2'])
  const [small, large] = [await stat(`${work}/small.qcow2`), await stat(`${work}/large.qcow2`)]
  expect(small.size).toBeLessThan(large.size * 0.8)
})

test('OVERWRITE_OLD_IMAGE replaces an older image', async () => {
  const args = ['-n', '-o', 'over', '-t', 'raw', 'tiny-os']
  await create(work, args)
  await create(work, args, { OVERWRITE_OLD_IMAGE: '1' })
  expect(await named('over')).toEqual(['over.raw'])
})

test('the image goes to the sudo user', async () => {
  await create(work, ['-n', '-o', 'owned', '-t', 'tar', 'tiny-os'], { SUDO_UID: '1234', SUDO_GID: '1235' })
  expect(await stat(`${work}/owned.tar`)).toMatchObject({ uid: 1234, gid: 1235 })
})

test('no-final-image leaves out the disk and still makes the tar', async () => {
  const { output } = await create(work, [
    '-n',
    '-o',
    'nofinal',
    '-t',
    'qcow2,tar',
    'tiny-os',
    'no-final-image',
  ])
  expect(output).toContain('Build completed successfully')
  expect(await named('nofinal')).toEqual(['nofinal.tar'])
})

test('ramdisk-image-create writes no disk: its elements make the files', async () => {
  const path = await withElements(work, {
    'tiny-ramdisk/cleanup.d/99-tiny-ramdisk':
      '#!/bin/bash\nset -eu\nset -o pipefail\necho initramfs > "$IMAGE_NAME.initramfs"\n',
  })
  const result = await run(
    [bin('ramdisk-image-create'), '-n', '-o', 'rd', '--ramdisk-element', 'tiny-ramdisk', 'tiny-os'],
    {
      cwd: work,
      env: buildEnvironment(work, { ELEMENTS_PATH: path }),
    },
  )
  expect(result.stdout).toContain('Building elements: tiny-ramdisk tiny-os')
  expect(await named('rd')).toEqual(['rd.initramfs'])
})

test('builds side by side with one cache do not disturb each other', async () => {
  const build = (name: string) => create(work, ['-n', '-o', name, '-t', 'raw', 'tiny-os', 'block-device-mbr'])
  const results = await Promise.all(['side-a', 'side-b', 'side-c'].map(build))
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  expect(await named('side')).toEqual(['side-a.raw', 'side-b.raw', 'side-c.raw'])
  expect(await leftovers(work)).toEqual([])
})
