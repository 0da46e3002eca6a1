/** A line of /etc/fstab. */
export interface FstabEntry {
  readonly uuid: string
  readonly mountPoint: string
  readonly fsType: string
}

/** Options of a data volume (Trove's mount_options, contract §7.4). */
export const MOUNT_OPTIONS = ['defaults', 'noatime'] as const

/**
 * The text of /etc/fstab with the volume in it, replacing an older line for the same place.
 *
 * @param coldplug true where element guest-boot mounts by that mark, since without udev systemd waits for ever
 */
export function withVolume(text: string, entry: FstabEntry, coldplug: boolean): string {
  const kept = text
    .split('\n')
    .filter((line) => line.trim() !== '' && (/^\s*#/.test(line) || line.split(/\s+/)[1] !== entry.mountPoint))
  const options = [...MOUNT_OPTIONS, ...(coldplug ? ['noauto', 'x-coffer.mount'] : ['nofail'])]
  const line = `UUID=${entry.uuid}\t${entry.mountPoint}\t${entry.fsType}\t${options.join(',')}\t0\t0`
  return `${[...kept, line].join('\n')}\n`
}
