import { copyFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Accelerator, distrustKvm, proveAcceleration } from '../../lib/acceleration.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Argv } from '../../lib/exec.ts'
import { quoteCommand } from '../../lib/quote.ts'
import { startReaper } from '../../lib/reaper.ts'
import { removeTree } from '../../lib/tree.ts'
import { type Attempt, attemptBoot } from './attempt.ts'
import { findUefiFirmware } from './firmware.ts'
import { type QemuOptions, qemuCommand } from './qemu.ts'
import { READY_LINE } from './ready-line.ts'

/** Options of {@link bootCheck}. */
export interface BootCheckOptions
  extends Pick<QemuOptions, 'image' | 'format' | 'memoryMiB' | 'machine' | 'program'> {
  readonly firmware: 'bios' | 'uefi'
  /** Milliseconds from the start of QEMU until the awaited line must have come. */
  readonly timeoutMs: number
  /** What the console must print. Default {@link READY_LINE}. */
  readonly expect?: RegExp
  /** Called for every line of the guest's console, without control characters. */
  readonly onLine?: (line: string) => void
  /** Keeps a copy of the raw console. */
  readonly serialLog?: string
  readonly signal?: AbortSignal
  /** Default: what {@link proveAcceleration} finds. */
  readonly accel?: Accelerator
  /** Milliseconds under KVM until the kernel must have printed something; then TCG is tried. Default 30000. */
  readonly kernelMs?: number
  /** See {@link proveAcceleration}. */
  readonly cacheFile?: string
}

/** What a good boot showed. */
export interface BootCheckResult {
  /** From the start of QEMU to the line. */
  readonly seconds: number
  readonly line: string
  readonly accel: Accelerator
}

/** Console lines shown when a boot fails. */
const TAIL = 20

/**
 * Boots an image under QEMU, unchanged, and waits for the guest to say that its database answers.
 *
 * KVM is used when it is proved to work; if the guest's kernel stays silent under it nevertheless, the boot is repeated
 * with TCG and that is remembered. QEMU has ended when this returns or throws, also after SIGINT or SIGTERM, and it ends
 * by itself should this process be killed; the temporary files go either way.
 *
 * @throws CofferError `BOOT_CHECK_FAILED` with the console's last lines, `BOOT_CHECK_INTERRUPTED` (exit code 130 or 143),
 *   `TOOL_MISSING`, `UEFI_FIRMWARE_MISSING`, `IMAGE_FORMAT_UNKNOWN`
 */
export async function bootCheck(options: BootCheckOptions): Promise<BootCheckResult> {
  const proof = {
    ...(options.cacheFile === undefined ? {} : { cacheFile: options.cacheFile }),
    ...(options.program === undefined ? {} : { program: options.program }),
  }
  const directory = await mkdtemp(join(tmpdir(), 'coffer-boot-'))
  // Deletes the directory even if this process is killed; QEMU itself is ended by the kernel then (see attempt.ts).
  const reaper = startReaper([directory])
  const interrupt = interruption(options.signal)
  try {
    let accel = options.accel ?? (await proveAcceleration(proof))
    let { command, attempt } = await boot(options, accel, directory, interrupt.signal)
    if (accel === 'kvm' && attempt.kind === 'failed' && !attempt.kernelSeen && !attempt.explained) {
      accel = 'tcg'
      ;({ command, attempt } = await boot(options, accel, directory, interrupt.signal))
      if (attempt.kernelSeen || attempt.kind === 'ready') await distrustKvm(proof)
    }
    if (attempt.kind === 'ready') return { seconds: attempt.seconds, line: attempt.line, accel }
    if (attempt.kind === 'stopped') {
      throw new CofferError('BOOT_CHECK_INTERRUPTED', 'The boot check was interrupted', {
        exitCode: interrupt.status(),
      })
    }
    throw bootFailed(options, attempt, command)
  } finally {
    interrupt.release()
    await removeTree(directory)
    await reaper.dismiss()
  }
}

async function boot(options: BootCheckOptions, accel: Accelerator, directory: string, signal: AbortSignal) {
  const firmware = options.firmware === 'bios' ? 'bios' : await privateFirmware(directory)
  const { image, format, memoryMiB, machine, program, serialLog } = options
  const command = qemuCommand({
    image,
    firmware,
    accel,
    ...(format === undefined ? {} : { format }),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(machine === undefined ? {} : { machine }),
    ...(program === undefined ? {} : { program }),
    ...(serialLog === undefined ? {} : { serialLog }),
  })
  const attempt = await attemptBoot(command, {
    expect: options.expect ?? READY_LINE,
    timeoutMs: options.timeoutMs,
    tail: TAIL,
    directory,
    signal,
    ...(accel === 'kvm' ? { kernelMs: options.kernelMs ?? 30_000 } : {}),
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  })
  return { command, attempt }
}

async function privateFirmware(directory: string) {
  const { code, vars } = await findUefiFirmware()
  const copy = join(directory, 'vars.fd')
  await copyFile(vars, copy)
  return { code, vars: copy }
}

function bootFailed(
  options: BootCheckOptions,
  attempt: Attempt & { kind: 'failed' },
  command: Argv,
): CofferError {
  const lines = attempt.tail.map((line) => `    ${line}`)
  const console =
    lines.length === 0 ? 'Its serial console stayed empty.' : `The end of its console:\n${lines.join('\n')}`
  const message = `${options.image} did not come up with ${options.firmware.toUpperCase()}: ${attempt.reason}. ${console}`
  return new CofferError('BOOT_CHECK_FAILED', message, {
    hint: `Watch it boot with: ${quoteCommand(command)}`,
  })
}

/** An abort by the caller or by a signal to this process, and the exit status that means. */
function interruption(outer: AbortSignal | undefined) {
  const controller = new AbortController()
  let status = 130
  const onInterrupt = () => controller.abort()
  const onTerminate = () => {
    status = 143
    controller.abort()
  }
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onTerminate)
  return {
    signal: outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal]),
    status: () => status,
    release: () => {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onTerminate)
    },
  }
}
