import { configError } from './errors.ts'

/**
 * sgdisk's type codes (the ones a Linux disk may carry) and what they stand for in the table.
 * Source: the Discoverable Partitions Specification and `sgdisk --list-types`; a test asks the real sgdisk for each.
 */
const GPT_TYPES: Readonly<Record<string, string>> = {
  '0700': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  '4100': '9E1A2D38-C612-4316-AA26-8B49521E5A8B',
  '8200': '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F',
  '8300': '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  '8301': '8DA63339-0007-60C0-C436-083AC8230908',
  '8302': '933AC7E1-2EB4-4F13-B844-0E14E2AEF915',
  '8303': '44479540-F297-41B2-9AF7-D131D5F0458A',
  '8304': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  '8305': 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  '8306': '3B8F8425-20E0-4F3B-907F-1A25A76F98E8',
  '8307': '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3',
  '8308': '7FFEC5C9-2D00-49B7-8941-3EA10A5586B7',
  '8309': 'CA7D7CCB-63ED-4C53-861C-1742536059CC',
  '8310': '4D21B016-B534-45C2-A9FB-5C16E091FD2D',
  '8311': '7EC6F557-3BC5-4ACA-B293-16EF5DF639D1',
  '8E00': 'E6D6D379-F507-44C2-A23C-238F2A3DF928',
  EA00: 'BC13C2FF-59E6-4262-A352-B275FD6F7172',
  EF00: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  EF01: '024DEE41-33E7-11D3-9D69-0008C781F39F',
  EF02: '21686148-6449-6E6F-744E-656564454649',
  FD00: 'A19D880F-05FC-4D3B-A006-743F0F84911E',
}

/** The codes {@link gptTypeGuid} knows. */
export const GPT_TYPE_CODES: readonly string[] = Object.keys(GPT_TYPES)

/** Partition type of GRUB's BIOS boot partition. */
export const BIOS_BOOT_GUID = '21686148-6449-6E6F-744E-656564454649'
/** Partition type of an EFI system partition. */
export const ESP_GUID = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'

const GUID = /^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$/

/**
 * The GUID of a GPT partition type given as an sgdisk code (`EF00`, `0x4100`, or short: `83`) or as a GUID.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID` for a code we do not know.
 */
export function gptTypeGuid(type: string): string {
  const upper = type.toUpperCase()
  if (GUID.test(upper)) return upper
  const digits = upper.replace(/^0X/, '')
  const code = digits.length <= 2 ? digits.padStart(2, '0').padEnd(4, '0') : digits.padStart(4, '0')
  const guid = Object.hasOwn(GPT_TYPES, code) ? GPT_TYPES[code] : undefined
  if (guid === undefined) {
    throw configError(`The GPT partition type [${type}] is not known`, {
      hint: 'Give the type as a GUID, or as one of the codes `sgdisk --list-types` shows for Linux.',
    })
  }
  return guid
}

/**
 * The byte of an MBR partition type, as two hexadecimal digits.
 *
 * @param text hexadecimal, with or without `0x`
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID`
 */
export function mbrTypeId(text: string): string {
  const match = /^(?:0x)?([0-9a-f]{1,2})$/i.exec(text)
  if (match?.[1] === undefined) {
    throw configError(`The MBR partition type [${text}] is not a hexadecimal byte`, {
      hint: "Write it as text, for example '0x83' or '83', in quotes.",
    })
  }
  return match[1].toLowerCase().padStart(2, '0')
}
