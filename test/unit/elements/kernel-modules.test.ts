import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { dpkgRules, installs } from './dpkg-rules.ts'

const elements = new URL('../../../elements/', import.meta.url)
const initramfs = await readFile(new URL('tiny-initramfs/coffer-initramfs/modules', elements), 'utf8')

const rules = await dpkgRules('kernel/coffer-kernel/trim-kernel.conf')
const installed = (path: string) => installs(rules, path)

// Debian 12 has them under /lib, and its successors, compressed, under /usr/lib.
const places = [
  ['/lib/modules/6.1.0-56-amd64/kernel', '.ko'],
  ['/usr/lib/modules/7.2.13+deb14-amd64/kernel', '.ko.xz'],
] as const

test.each([
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
  'drivers/scsi/virtio_scsi',
  'drivers/net/virtio_net',
  'drivers/char/hw_random/virtio-rng',
  'drivers/ata/ata_piix',
  'drivers/ata/ahci',
  'drivers/scsi/sd_mod',
  'drivers/scsi/sr_mod',
  'drivers/cdrom/cdrom',
  'drivers/nvme/host/nvme',
  'drivers/net/ethernet/intel/e1000/e1000',
  'drivers/net/ethernet/intel/e1000e/e1000e',
  'drivers/net/ethernet/realtek/8139cp',
  'drivers/net/ethernet/amazon/ena/ena',
  'drivers/net/vmxnet3/vmxnet3',
  'drivers/scsi/vmw_pvscsi',
  'drivers/net/hyperv/hv_netvsc',
  'drivers/hv/hv_vmbus',
  'drivers/block/xen-blkfront',
  'drivers/net/xen-netfront',
  'drivers/net/tun',
  'drivers/md/dm-mod',
  'drivers/watchdog/i6300esb',
  'fs/ext4/ext4',
  'fs/xfs/xfs',
  'fs/fat/vfat',
  'fs/isofs/isofs',
  'fs/overlayfs/overlay',
  'fs/nfs/nfs',
  'net/netfilter/nf_tables',
])('a virtual machine has %s', (module) => {
  for (const [top, end] of places) expect(installed(`${top}/${module}${end}`)).toBe(true)
})

test.each([
  'sound/pci/hda/snd-hda-intel',
  'drivers/gpu/drm/i915/i915',
  'drivers/media/usb/uvc/uvcvideo',
  'drivers/net/wireless/ath/ath9k/ath9k',
  'drivers/infiniband/core/ib_core',
  'drivers/scsi/lpfc/lpfc',
  'net/bluetooth/bluetooth',
])('no virtual machine has %s', (module) => {
  for (const [top, end] of places) expect(installed(`${top}/${module}${end}`)).toBe(false)
})

test('files beside the modules are not touched', () => {
  expect(installed('/boot/vmlinuz-6.1.0-56-amd64')).toBe(true)
  expect(installed('/usr/lib/modules/7.2.13+deb14-amd64/vmlinuz')).toBe(true)
  expect(installed('/lib/modules/6.1.0-56-amd64/modules.builtin')).toBe(true)
})

test('the initramfs holds a driver for every kind of disk and the default root file system', () => {
  const modules = initramfs.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const needed of [
    'ext4',
    'virtio_pci',
    'virtio_blk',
    'virtio_scsi',
    'sd_mod',
    'ata_piix',
    'ahci',
    'nvme',
    'xen-blkfront',
    'hv_storvsc',
  ])
    expect(modules).toContain(needed)
})
