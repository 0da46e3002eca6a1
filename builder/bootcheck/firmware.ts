import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'

/** UEFI firmware for a guest: read-only code, and the template of the variable store each guest gets a copy of. */
export interface UefiFirmware {
  readonly code: string
  readonly vars: string
}

/** Where distributions put OVMF without Secure Boot, code first: Debian (two sizes), Fedora, Arch, SUSE. */
const known: readonly (readonly [string, string])[] = [
  ['usr/share/OVMF/OVMF_CODE_4M.fd', 'usr/share/OVMF/OVMF_VARS_4M.fd'],
  ['usr/share/OVMF/OVMF_CODE.fd', 'usr/share/OVMF/OVMF_VARS.fd'],
  ['usr/share/edk2/ovmf/OVMF_CODE.fd', 'usr/share/edk2/ovmf/OVMF_VARS.fd'],
  ['usr/share/edk2/x64/OVMF_CODE.4m.fd', 'usr/share/edk2/x64/OVMF_VARS.4m.fd'],
  ['usr/share/qemu/ovmf-x86_64-code.bin', 'usr/share/qemu/ovmf-x86_64-vars.bin'],
]

/**
 * Finds this machine's OVMF files.
 *
 * @param root where the file system begins (for tests)
 * @throws CofferError `UEFI_FIRMWARE_MISSING` naming the package to install
 */
export async function findUefiFirmware(root = '/'): Promise<UefiFirmware> {
  for (const [codeName, varsName] of known) {
    const [code, vars] = [join(root, codeName), join(root, varsName)]
    try {
      await Promise.all([access(code), access(vars)])
      return { code, vars }
    } catch {
      // Not this distribution's layout.
    }
  }
  throw new CofferError(
    'UEFI_FIRMWARE_MISSING',
    'Booting with UEFI needs the OVMF firmware, which is not installed',
    {
      hint: 'On Debian: apt-get install ovmf',
    },
  )
}
