import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLoopDevices, haveDeviceMapper } from '../../builder/blockdevice/loop.ts'
import { cleanupStack } from '../../lib/cleanup.ts'
import { run } from '../../lib/exec.ts'
import { layoutOf, loopsOf, quiet } from './blockdevice-support.ts'

const HYBRID = await readFile(
  new URL('../../elements/block-device-hybrid/block-device-default.yaml', import.meta.url),
  'utf8',
)
const PROGRAM = new URL('../../builder/bin/dib-block-device', import.meta.url).pathname

let work: string
let rawPath: string
let mountBase: string

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-loop-test-'))
  rawPath = join(work, 'image0.raw')
  mountBase = join(work, 'mnt')
  await mkdir(mountBase)
})

afterEach(async () => {
  expect(await mountsInWork()).toEqual([])
  await untilNoLoops()
  await rm(work, { recursive: true })
})

/** A device goes away when its last user does, which may be a moment later. */
async function untilNoLoops(): Promise<void> {
  await vi.waitFor(async () => expect(await loopsOf(rawPath)).toEqual([]), { timeout: 20_000, interval: 100 })
}

async function mountsInWork(): Promise<string[]> {
  const { stdout } = await run(['findmnt', '--noheadings', '--list', '--output', 'TARGET'])
  return stdout.split('\n').filter((line) => line.startsWith(work))
}

test('scripts get a disk, its partitions and mounted file systems; afterwards only the image is left', async () => {
  const devices = await createLoopDevices({ layout: layoutOf(HYBRID, 64), rawPath, mountBase, log: quiet })
  const [disk, bsp, esp, root] = devices.devices
  expect(devices.imageBlockDevice).toBe(disk)
  expect(devices.imageBlockDevices).toBe(` [image0]=${disk}  [BSP]=${bsp}  [ESP]=${esp}  [root]=${root} `)
  expect(devices.mounts.map(({ mountPoint, path }) => [mountPoint, path])).toEqual([
    ['/', `${mountBase}/`.replace(/\/$/, '')],
    ['/boot/efi', `${mountBase}/boot/efi`],
  ])
  expect(await mountsInWork()).toEqual([mountBase, `${mountBase}/boot/efi`])
  await writeFile(join(mountBase, 'hello'), 'world')
  await writeFile(join(mountBase, 'boot/efi/hello.txt'), 'firmware')

  await devices.umount()
  await devices.umount()
  await devices.cleanup()

  expect(await loopsOf(rawPath)).toEqual([])
  const layout = layoutOf(HYBRID, 64)
  const check = await run(['e2fsck', '-fn', `${rawPath}?offset=${layout.extents.root?.offset}`], {
    check: false,
  })
  expect(check.exitCode).toBe(0)
  const read = await run(['mtype', '-i', `${rawPath}@@${layout.extents.ESP?.offset}`, '::/hello.txt'])
  expect(read.stdout).toBe('firmware')
})

test('a file system that cannot be made undoes everything, the image too', async () => {
  const layout = layoutOf(HYBRID.replace("'-F 16 -s 2'", "'-F 99'"), 64)
  await expect(createLoopDevices({ layout, rawPath, mountBase, log: quiet })).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
  })
  await expect(access(rawPath)).rejects.toMatchObject({ code: 'ENOENT' })
})

test("a build that is stopped releases the disk through the build's own releases", async () => {
  const cleanup = cleanupStack()
  await createLoopDevices({ layout: layoutOf(HYBRID, 64), rawPath, mountBase, log: quiet, cleanup })
  await cleanup.release()
  expect(await loopsOf(rawPath)).toEqual([])
})

test('a build that is killed leaves no loop device and no mount', async () => {
  const script = join(work, 'build.ts')
  const here = new URL('../../', import.meta.url).pathname
  await writeFile(
    script,
    `import { writeFileSync } from 'node:fs'
import { createLoopDevices, haveDeviceMapper } from '${here}builder/blockdevice/loop.ts'
import { layoutOf, quiet } from '${here}test/integration/blockdevice-support.ts'
const yaml = ${JSON.stringify(HYBRID)}
const made = await createLoopDevices({ layout: layoutOf(yaml, 64), rawPath: '${rawPath}', mountBase: '${mountBase}', log: quiet })
writeFileSync('${mountBase}/while-it-runs', made.imageBlockDevices)
setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
setInterval(() => undefined, 1000)
`,
  )
  // A private mount namespace, as every build has one: its mounts end with its last process.
  const killed = await run(['unshare', '--mount', process.execPath, script], { check: false })
  expect(killed.exitCode).toBe(137)
  await untilNoLoops()
  const layout = layoutOf(HYBRID, 64)
  const content = await run([
    'debugfs',
    '-R',
    'cat /while-it-runs',
    `${rawPath}?offset=${layout.extents.root?.offset}`,
  ])
  expect(content.stdout).toMatch(/^ \[image0\]=\/dev\/loop\d+ /)
})

test('LVM is refused clearly where the machine has no device-mapper', async (context) => {
  context.skip(await haveDeviceMapper(), 'this machine has device-mapper')
  const layout = layoutOf(
    `- local_loop: {name: image0}
- lvm: {name: l, pvs: [{name: pv, base: image0}], vgs: [{name: vg, base: [pv]}], lvs: [{name: lv, base: vg, size: 32MiB}]}
- mkfs: {name: root, base: lv, type: ext4, mount: {mount_point: /}}`,
    64,
  )
  await expect(createLoopDevices({ layout, rawPath, mountBase, log: quiet })).rejects.toMatchObject({
    code: 'BLOCK_DEVICE_LVM_UNAVAILABLE',
    message: 'The layout uses LVM, but this machine has no device-mapper',
  })
})

test('a disk with sectors of 4096 bytes has its table where such a disk has it', async () => {
  const layout = layoutOf(
    HYBRID.replace('name: image0', 'name: image0\n    block_size: 4096').replace('-F 16 -s 2', '-S 4096'),
    64,
  )
  const devices = await createLoopDevices({ layout, rawPath, mountBase, log: quiet })
  const table = await run(['sfdisk', '--dump', devices.imageBlockDevice])
  await devices.cleanup()
  expect(table.stdout).toContain('sector-size: 4096')
  expect(table.stdout.match(/start= +\d+, size= +\d+/g)).toEqual([
    'start=         256, size=         256',
    'start=         512, size=        2048',
    'start=        2560, size=       13568',
  ])
})

test('dib-block-device takes a disk through its life, one process a step', async () => {
  const config = join(work, 'config.yaml')
  const params = join(work, 'params.yaml')
  await writeFile(config, HYBRID)
  await writeFile(
    params,
    `config: ${config}\nimage-dir: ${work}\nroot-fs-type: ext4\nroot-label: mine\nmount-base: ${mountBase}\nbuild-dir: ${work}\n`,
  )
  const dib = (...words: string[]) =>
    run([PROGRAM, ...words], { env: { ...process.env, DIB_BLOCK_DEVICE_PARAMS_YAML: params }, check: false })

  expect(await dib('getval', 'root-label')).toMatchObject({ exitCode: 1 })
  expect(await dib('init')).toMatchObject({ exitCode: 0 })
  expect((await dib('getval', 'root-label')).stdout).toBe('mine\n')
  expect(await dib('getval', 'image-path')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('State dump not found'),
  })
  expect(await dib('umount')).toMatchObject({
    exitCode: 0,
    stderr: 'State already cleaned - no way to do anything here\n',
  })
  expect(await dib('cleanup')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Pickle file not found'),
  })
  await writeFile(
    params,
    `${await readFile(params, 'utf8')}image-size: 65536KiB\nroot-fs-opts: '-i 4096 -J size=4'\n`,
  )
  expect(await dib('init')).toMatchObject({ exitCode: 0 })
  expect(await dib('create')).toMatchObject({ exitCode: 0, stderr: '' })
  expect((await dib('getval', 'image-path')).stdout).toBe(`${rawPath}\n`)
  expect((await dib('getval', 'image-block-devices')).stdout).toMatch(
    /^ \[image0\]=\/dev\/loop\d+ {2}\[BSP\]=\S+ {2}\[ESP\]=\S+ {2}\[root\]=\S+ \n$/,
  )
  expect(await dib('getval', 'nonsense')).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await mountsInWork()).toEqual([mountBase, `${mountBase}/boot/efi`])
  await mkdir(join(work, 'built'))
  expect(await dib('writefstab')).toMatchObject({ exitCode: 0 })
  expect(await readFile(join(work, 'built/etc/fstab'), 'utf8')).toBe('LABEL=mine / ext4 defaults 0 1\n')
  expect(await dib('umount')).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await mountsInWork()).toEqual([])
  expect(await dib('cleanup')).toMatchObject({ exitCode: 0 })
  await expect(access(join(work, 'states/block-device'))).rejects.toMatchObject({ code: 'ENOENT' })
  await access(rawPath)
})

test('dib-block-device delete removes the image as well', async () => {
  const params = join(work, 'params.yaml')
  await writeFile(join(work, 'config.yaml'), HYBRID)
  await writeFile(
    params,
    `config: ${work}/config.yaml\nimage-dir: ${work}\nmount-base: ${mountBase}\nbuild-dir: ${work}\nroot-fs-type: ext4\nimage-size: 64MiB\n`,
  )
  for (const command of ['init', 'create', 'delete']) await run([PROGRAM, '--params', params, command])
  await expect(access(rawPath)).rejects.toMatchObject({ code: 'ENOENT' })
})
