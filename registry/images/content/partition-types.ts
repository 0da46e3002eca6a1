/** Words for the partition types that guests' disks have (Discoverable Partitions Specification; MBR types as sfdisk says). */
const NAMES: Readonly<Record<string, string>> = {
  '21686148-6449-6E6F-744E-656564454649': 'BIOS boot',
  'C12A7328-F81F-11D2-BA4B-00A0C93EC93B': 'EFI system',
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4': 'Linux',
  '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709': 'Linux root (x86-64)',
  'B921B045-1DF0-41C3-AF44-4C6F280D3FAE': 'Linux root (ARM64)',
  'BC13C2FF-59E6-4262-A352-B275FD6F7172': 'Linux extended boot',
  '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F': 'Linux swap',
  'E6D6D379-F507-44C2-A23C-238F2A3DF928': 'Linux LVM',
  '9E1A2D38-C612-4316-AA26-8B49521E5A8B': 'PowerPC PReP boot',
  'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7': 'Microsoft data',
  '05': 'extended',
  '0b': 'FAT32',
  '0c': 'FAT32',
  '0f': 'extended',
  '41': 'PowerPC PReP boot',
  '82': 'Linux swap',
  '83': 'Linux',
  '85': 'extended',
  '8e': 'Linux LVM',
  ef: 'EFI system',
}

/** What a partition is for, or its type as it stands. */
export const partitionTypeName = (type: string): string =>
  Object.hasOwn(NAMES, type) ? (NAMES[type] ?? type) : type
