import type { Argv } from '../../lib/exec.ts'
import type { LogicalVolumeNode, LvmNode } from './nodes.ts'

/**
 * The commands that make one LVM set: physical volumes, then groups, then logical volumes (DIB contract §4.3).
 *
 * @param deviceOf the device of a physical volume's base
 */
export function lvmCreateCommands(lvm: LvmNode, deviceOf: (base: string) => string): Argv[] {
  const devices = new Map(lvm.pvs.map((pv) => [pv.name, deviceOf(pv.base)]))
  return [
    ...lvm.pvs.map((pv): Argv => ['pvcreate', deviceOf(pv.base), ...pv.options]),
    ...lvm.vgs.map(
      (vg): Argv => ['vgcreate', vg.name, ...vg.base.map((pv) => devices.get(pv) ?? pv), ...vg.options],
    ),
    ...lvm.lvs.map(logicalVolumeCommand),
  ]
}

function logicalVolumeCommand(lv: LogicalVolumeNode): Argv {
  return [
    'lvcreate',
    '--name',
    lv.name,
    ...(lv.type === undefined ? [] : ['--type', lv.type]),
    ...(lv.thinPool === undefined ? [] : ['--thin-pool', lv.thinPool]),
    ...(lv.sizeBytes === undefined
      ? ['-l', lv.extents ?? '']
      : [lv.type === 'thin' ? '-V' : '-L', `${lv.sizeBytes}B`]),
    ...lv.options,
    lv.base,
  ]
}

/** The commands that take an LVM set out of use, before its disks are detached. */
export function lvmUmountCommands(lvm: LvmNode): Argv[] {
  return [
    ...lvm.lvs.map((lv): Argv => ['lvchange', '-an', `/dev/${lv.base}/${lv.name}`]),
    ...lvm.vgs.map((vg): Argv => ['vgchange', '-an', vg.name]),
    ['udevadm', 'settle'],
  ]
}

/** The command that makes LVM forget detached disks. */
export const LVM_CLEANUP_COMMAND: Argv = ['pvscan', '--cache']

/** The device of a logical volume as DIB names it, with no doubling of dashes (contract §4.3). */
export function logicalVolumeDevice(lv: LogicalVolumeNode): string {
  return `/dev/mapper/${lv.base}-${lv.name}`
}
