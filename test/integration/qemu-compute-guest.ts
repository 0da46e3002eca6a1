// A guest for tests of the QEMU driver: Debian's cloud kernel, busybox, and a first program that runs whatever script the
// config drive carries as user data. It boots by itself with GRUB, as a real image does, in a few seconds of emulation.
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  writeFile,
} from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootCodeFor } from '../../builder/blockdevice/grub.ts'
import { writeImageFile } from '../../builder/blockdevice/write-file.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { layoutOf, quiet } from './blockdevice-support.ts'

const cache = join(homedir(), '.cache/coffer/test-guest')
const element = new URL('../../elements/block-device-mbr/block-device-default.yaml', import.meta.url)

const modules = [
  'virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk',
  'failover net_failover virtio_net rng-core virtio-rng pvpanic pvpanic-pci',
  'fat vfat nls_ascii nls_cp437 nls_utf8',
]
  .join(' ')
  .split(' ')

const init = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /drive /sbin /usr/bin /usr/sbin /etc
/bin/busybox --install -s
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
# They depend on each other, and there is no list of how.
for round in 1 2 3 4; do for file in /m/*.ko; do insmod $file 2>/dev/null && rm $file; done; done
echo "guest: kernel is up"
ip link set lo up
value() { sed -n 's/.*"'$1'":"\\([^"]*\\)".*/\\1/p' /drive/openstack/latest/network_data.json; }
for disk in /dev/vd?; do
  if [ "$(dd if=$disk bs=1 skip=43 count=8 2>/dev/null)" = CONFIG-2 ]; then mount -t vfat -o ro $disk /drive; fi
done
ip addr add $(value ip_address)/$(ipcalc -p 0.0.0.0 $(value netmask) | cut -d= -f2) dev eth0
ip link set eth0 up
echo "guest: user data begins"
sh /drive/openstack/latest/user_data
echo "guest: user data ended"
while :; do sleep 60; done
`

/**
 * The image, built once and kept in the cache: qcow2, some 20 MB. The first time it needs Debian's archive for the kernel.
 *
 * @returns its path
 */
export async function tinyGuest(): Promise<string> {
  const image = join(cache, 'guest.qcow2')
  const known = await access(image).then(
    () => true,
    () => false,
  )
  if (known) return image
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'coffer-test-guest-'))
  try {
    await chmod(work, 0o755)
    const kernel = await unpackedKernel(work)
    const tree = join(work, 'tree')
    await mkdir(join(tree, 'boot/grub'), { recursive: true })
    const [vmlinuz] = (await readdir(join(kernel, 'boot'))).filter((name) => name.startsWith('vmlinuz'))
    await copyFile(join(kernel, 'boot', vmlinuz ?? ''), join(tree, 'boot/vmlinuz'))
    await writeInitramfs(kernel, join(work, 'initramfs'), join(tree, 'boot/initrd'))
    await writeFile(
      join(tree, 'boot/grub/grub.cfg'),
      'linux /boot/vmlinuz console=ttyS0 quiet mitigations=off net.ifnames=0\ninitrd /boot/initrd\nboot\n',
    )
    const rawPath = join(work, 'guest.raw')
    const yaml = await readFile(element, 'utf8')
    await writeImageFile({
      layout: layoutOf(yaml, 64),
      tree,
      rawPath,
      boot: await bootCodeFor(tree, 'amd64'),
      log: quiet,
    })
    await run(['qemu-img', 'convert', '-q', '-f', 'raw', '-O', 'qcow2', rawPath, `${image}.new`])
    await rename(`${image}.new`, image)
    return image
  } finally {
    await removeTree(work)
  }
}

async function unpackedKernel(work: string): Promise<string> {
  const { stdout } = await run(['apt-cache', 'depends', 'linux-image-cloud-amd64'])
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1]
  if (name === undefined) throw new Error('apt knows no linux-image-cloud-amd64: run apt-get update')
  await run(['apt-get', 'download', '-q', name], { cwd: work, timeoutMs: 120_000 })
  const [deb] = (await readdir(work)).filter((file) => file.endsWith('.deb'))
  await run(['dpkg-deb', '-x', join(work, deb ?? ''), join(work, 'kernel')])
  return join(work, 'kernel')
}

async function writeInitramfs(kernel: string, root: string, target: string): Promise<void> {
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'm'))
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  const found = await run(['find', join(kernel, 'lib/modules'), '-name', '*.ko'])
  for (const path of found.stdout.trim().split('\n')) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (modules.includes(name.slice(0, -3))) await copyFile(path, join(root, 'm', name))
  }
  await writeFile(join(root, 'init'), init, { mode: 0o755 })
  const list = await run(['find', '.', '-mindepth', '1'], { cwd: root })
  const archive = await run(['cpio', '-o', '-H', 'newc', '--quiet', '-R', '0:0'], {
    cwd: root,
    input: list.stdout,
    binary: true,
  })
  await writeFile(target, archive.stdoutBytes)
}
