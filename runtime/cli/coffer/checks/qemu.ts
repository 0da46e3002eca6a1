import { run } from '../../../../lib/exec.ts'
import { findProgram } from '../../../../lib/find-program.ts'
import { exists } from '../../../../lib/path-kind.ts'
import type { Settings } from '../../../settings/types.ts'
import { type CheckResult, fail, ok, warn } from './types.ts'

const QEMU = 'qemu-system-x86_64'
/** The oldest that the driver's command line is written for (Debian 12 has 7.2). */
const OLDEST_MAJOR = 7

/** Programs that instances are made with, and Debian's packages of them. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['mkfs.vfat', 'dosfstools'],
  ['mcopy', 'mtools'],
  ['perl', 'perl-base'],
]
const BRIDGE_PROGRAMS: typeof PROGRAMS = [
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['nsenter', 'util-linux'],
]

const elsewhere = (name: string, { computeDriver }: Settings): CheckResult =>
  ok(name, `not needed by the compute driver ${computeDriver}`)

export async function checkQemu(settings: Settings): Promise<CheckResult> {
  if (settings.computeDriver !== 'qemu') return elsewhere('qemu', settings)
  const program = await findProgram(QEMU)
  if (program === undefined) {
    return fail('qemu', `${QEMU} is not installed`, 'On Debian: apt-get install qemu-system-x86')
  }
  const { stdout } = await run([program, '--version'], { timeoutMs: 10_000 })
  return judgeQemuVersion(stdout)
}

/** Reads the first line of `--version`. */
export function judgeQemuVersion(text: string): CheckResult {
  const version = /version (\d+)\.(\d+)[\w.]*/.exec(text)
  if (version === null) return warn('qemu', 'the version of QEMU cannot be read', `Run ${QEMU} --version.`)
  if (Number(version[1]) >= OLDEST_MAJOR) return ok('qemu', `QEMU ${version[0].replace('version ', '')}`)
  return fail(
    'qemu',
    `QEMU ${version[0].replace('version ', '')} is older than ${OLDEST_MAJOR}.0`,
    'Install a newer one; Debian 12 and later have it.',
  )
}

export async function checkPrograms(settings: Settings): Promise<CheckResult> {
  if (settings.computeDriver !== 'qemu') return elsewhere('programs', settings)
  const wanted = [...PROGRAMS, ...(settings.qemu.network === 'bridge' ? BRIDGE_PROGRAMS : [])]
  const missing: (readonly [string, string])[] = []
  for (const each of wanted) if ((await findProgram(each[0])) === undefined) missing.push(each)
  if (missing.length === 0) return ok('programs', wanted.map(([program]) => program).join(', '))
  return fail(
    'programs',
    `not installed: ${missing.map(([program]) => program).join(', ')}`,
    `On Debian: apt-get install ${missing.map(([, name]) => name).join(' ')}`,
  )
}

export async function checkAcceleration(settings: Settings): Promise<CheckResult> {
  if (settings.computeDriver !== 'qemu') return elsewhere('acceleration', settings)
  const { accelerator } = settings.qemu
  if (accelerator === 'tcg')
    return ok('acceleration', 'switched off by the option accelerator: guests are emulated')
  if ((await findProgram(QEMU)) === undefined) {
    return fail('acceleration', 'cannot be proved without QEMU', 'On Debian: apt-get install qemu-system-x86')
  }
  const { proveAcceleration } = await import('../../../../lib/acceleration.ts')
  const { layoutOf } = await import('../../../compute/qemu/layout.ts')
  // Before the first start there is no directory for the verdict, and a look shall not make it.
  const place = (await exists(settings.stateDir))
    ? { cacheFile: layoutOf(settings.stateDir).acceleration }
    : {}
  const proved = await proveAcceleration({ ...place, machine: 'q35' })
  if (proved === 'kvm') return ok('acceleration', 'KVM runs guests: proved by running one')
  const hint = 'Load kvm_intel or kvm_amd, switch virtualisation on in the firmware, and join the group kvm.'
  return accelerator === 'kvm'
    ? fail('acceleration', 'KVM does not run guests here, and the option accelerator asks for it', hint)
    : warn('acceleration', 'KVM does not run guests here: they are emulated, several times slower', hint)
}
