import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { mount, mountsBelow, unmount } from '../../lib/mount.ts'
import { removeTree } from '../../lib/tree.ts'
import { attachedVolume } from '../../runtime/guestagent/volume/attached-volume.ts'
import { contentOf } from '../../runtime/guestagent/volume/block-device.ts'
import { setMark } from '../../runtime/guestagent/volume/data-move.ts'

let directory = ''
let device = ''
const at = (name: string) => join(directory, name)
const SIZE = 64 * 1024 * 1024

beforeEach(async () => {
  directory = await mkdtemp('/tmp/coffer-guest-volume.')
  await mkdir(at('data/sub'), { recursive: true })
  await mkdir(at('state'))
  await writeFile(at('data/table'), 'rows of the image', { mode: 0o640 })
  await writeFile(at('data/sub/index'), 'index')
  await writeFile(at('fstab'), 'LABEL=root / ext4 defaults 0 1\n')
  await run(['truncate', '-s', String(SIZE), at('disk')])
  const loop = await run(['losetup', '--find', '--show', '--sizelimit', String(SIZE), at('disk')])
  device = loop.stdout.trim()
})

afterEach(async () => {
  for (const point of await mountsBelow(directory)) await unmount(point)
  await run(['losetup', '--detach', device])
  await removeTree(directory)
})

const places = () => ({ stateDirectory: at('state'), fstab: at('fstab'), coldplug: at('coldplug') })
const prepare = (instanceId = 'i1') =>
  attachedVolume(places()).prepare(
    { devicePath: device, mountPoint: at('data'), fsType: 'ext4', instanceId, datastore: 'mysql' },
    () => undefined,
  )
const isMounted = async () => (await mountsBelow(directory)).includes(at('data'))

async function expectDone(): Promise<void> {
  expect(await isMounted()).toBe(true)
  expect(await readFile(at('data/table'), 'utf8')).toBe('rows of the image')
  expect((await stat(at('data/table'))).mode & 0o777).toBe(0o640)
  expect((await readdir(at('data'))).sort()).toEqual(['.coffer-volume', 'sub', 'table'])
  expect(await readFile(at('fstab'), 'utf8')).toMatch(
    new RegExp(`^UUID=[0-9a-f-]{36}\\t${at('data')}\\text4\\tdefaults,noatime,nofail\\t0\\t0$`, 'm'),
  )
}

test('a blank volume gets a file system, the data of the image, and its place at each start', async () => {
  await prepare()
  await expectDone()
  await prepare()
  await expectDone()
  await unmount(at('data'))
  // What is seen without the volume keeps the engine from starting with no data.
  expect(await readdir(at('data'))).toEqual(['.coffer-volume-missing'])
})

test('a volume with an empty file system of its maker gets the data as a blank one does', async () => {
  await run(['mkfs.ext4', '-q', device])
  const { uuid } = await contentOf(device)
  await prepare()
  await expectDone()
  expect((await contentOf(device)).uuid).toBe(uuid)
})

test('after the machine was replaced, data on the volume is taken as it is', async () => {
  await prepare()
  await writeFile(at('data/table'), 'rows of the user')
  await unmount(at('data'))
  await writeFile(at('data/table'), 'rows of a newer image')
  await prepare()
  expect(await readFile(at('data/table'), 'utf8')).toBe('rows of the user')
})

test('a device that cannot be read is not taken for a blank one', async () => {
  await expect(contentOf('/dev/no-such-disk')).rejects.toMatchObject({ code: 'GUEST_ERROR' })
  expect(await contentOf(device)).toEqual({})
})

test('a volume of something else is refused and left as it is', async () => {
  await run(['mkfs.ext4', '-q', device])
  await mkdir(at('other'))
  await mount({ source: device, target: at('other') })
  await writeFile(at('other/thesis.txt'), 'three years')
  await unmount(at('other'))
  await expect(prepare()).rejects.toMatchObject({ code: 'GUEST_ERROR' })
  await mount({ source: device, target: at('other') })
  expect(await readFile(at('other/thesis.txt'), 'utf8')).toBe('three years')
  expect(await readFile(at('data/table'), 'utf8')).toBe('rows of the image')
})

test("another instance's volume is refused", async () => {
  await prepare('i1')
  await unmount(at('data'))
  await expect(prepare('i2')).rejects.toThrow(/holds data of something else/)
  await prepare('i1')
  await expectDone()
})

test('what is no file system, but not blank either, is refused', async () => {
  await run(['sfdisk', '--quiet', device], { input: 'label: gpt\n,10M\n' })
  await expect(prepare()).rejects.toThrow()
  const table = await run(['sfdisk', '--dump', device])
  expect(table.stdout).toContain('label: gpt')
})

test('an interrupted run is finished: in the middle of formatting, of copying, and before the last mount', async () => {
  // Formatting had begun on a blank device.
  await run(['mkfs.ext4', '-q', device])
  await writeFile(at('state/formatting'), device)
  await prepare()
  await expectDone()
  await unmount(at('data'))

  // Copying had begun; the old place still has everything.
  await removeTree(at('data'))
  await mkdir(at('data/sub'), { recursive: true })
  await writeFile(at('data/table'), 'rows of the image', { mode: 0o640 })
  await writeFile(at('data/sub/index'), 'index')
  await mkdir(at('state/volume'), { recursive: true })
  await mount({ source: device, target: at('state/volume') })
  await setMark(at('state/volume'), { instanceId: 'i1', datastore: 'mysql', state: 'copying' })
  await writeFile(at('state/volume/table'), 'half')
  // The agent was killed while it was mounted here.
  await prepare()
  await expectDone()

  // Killed after the old place was emptied.
  await unmount(at('data'))
  await prepare()
  await expectDone()
})
