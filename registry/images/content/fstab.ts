import type { Slot } from './disk.ts'

/** Where a file system is mounted. */
export interface Mount {
  readonly path: string
  readonly slot: Slot
}

/**
 * The mounts of an fstab (fstab(5)) that name one of the image's own file systems by label, UUID, or the label or UUID of
 * its partition. What is mounted on the root stays out.
 */
export function fstabMounts(text: string, slots: readonly Slot[]): readonly Mount[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([source = '', path = '']) => {
      const slot = source.startsWith('#') ? undefined : slots.find((one) => isNamed(source, one))
      return slot === undefined || !/^\/./.test(path) ? [] : [{ path: path.replace(/\/+$/, ''), slot }]
    })
}

function isNamed(source: string, { fileSystem, partition }: Slot): boolean {
  const [, tag = '', value = ''] = /^(LABEL|UUID|PARTLABEL|PARTUUID)="?([^"]+)"?$/.exec(source) ?? []
  const own: Readonly<Record<string, string | undefined>> = {
    LABEL: fileSystem?.label,
    UUID: fileSystem?.uuid,
    PARTLABEL: partition?.name,
    PARTUUID: partition?.uuid,
  }
  return own[tag] !== undefined && own[tag].toLowerCase() === value.toLowerCase()
}
