import { access, constants, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { cpus, homedir, release, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from './clock.ts'
import { CofferError } from './errors.ts'
import { type Argv, run } from './exec.ts'
import { longModeProbe, PROBE_STATUS, PROBE_TOKEN } from './long-mode-probe.ts'
import { startReaper } from './reaper.ts'
import { removeTree } from './tree.ts'

/** How guest instructions run: by the processor, or emulated. */
export type Accelerator = 'kvm' | 'tcg'

/** Options of {@link proveAcceleration}. */
export interface ProofOptions {
  /** Where the verdict is remembered. Default `~/.cache/coffer/acceleration.json`. */
  readonly cacheFile?: string
  /** Milliseconds the probe may take. Default 5000; working KVM needs well under one second, TCG about half of one. */
  readonly timeoutMs?: number
  /** Default `/dev/kvm`. */
  readonly kvmDevice?: string
  /** The QEMU program. Default `qemu-system-x86_64`. */
  readonly program?: string
  /** The machine that guests will have: a proof under another model would prove another thing. Default `pc`. */
  readonly machine?: 'pc' | 'q35'
  readonly clock?: Clock
  /** Ends the probe; nothing is remembered then. */
  readonly signal?: AbortSignal
}

interface Verdict {
  readonly key: string
  readonly accel: Accelerator
  /** ISO time of the proof. */
  readonly at: string
}

/** A refusal is tried again after this long: a busy machine may have been too slow for the probe. Milliseconds. */
const DISTRUST_MS = 24 * 3600 * 1000

/**
 * Which accelerator guests can rely on, proved by running the long mode probe under KVM to its known end in time.
 *
 * That `/dev/kvm` opens proves nothing: nested KVM exists that runs firmware and then aborts, hangs, or crawls far
 * slower than emulation. The verdict is remembered for this QEMU, kernel and processor.
 *
 * @throws CofferError `TOOL_MISSING` when QEMU is not installed; the reason of an aborted signal
 */
export async function proveAcceleration(options: ProofOptions = {}): Promise<Accelerator> {
  const key = await machineKey(options)
  const clock = options.clock ?? systemClock
  const known = await recall(cacheFileOf(options), key, clock)
  if (known !== undefined) return known
  const accel = (await kvmWorks(options)) ? 'kvm' : 'tcg'
  options.signal?.throwIfAborted()
  await remember(cacheFileOf(options), { key, accel, at: clock.now().toISOString() })
  return accel
}

/** Remembers that KVM failed a real guest after all, so that the next boot starts with TCG. */
export async function distrustKvm(options: ProofOptions = {}): Promise<void> {
  const at = (options.clock ?? systemClock).now().toISOString()
  await remember(cacheFileOf(options), { key: await machineKey(options), accel: 'tcg', at })
}

/**
 * Runs the probe under an accelerator.
 *
 * @returns true when it printed its token and left with its status within the time limit
 */
export async function runProbe(accel: Accelerator, options: ProofOptions = {}): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-probe-'))
  // Deletes it even if this process is killed.
  const reaper = startReaper([directory])
  try {
    const disk = join(directory, 'probe.raw')
    await writeFile(disk, longModeProbe())
    // A machine that hangs would outlive this process, should that end first.
    const result = await run(
      ['setpriv', '--pdeathsig', 'KILL', '--', ...probeCommand(disk, accel, options)],
      {
        timeoutMs: options.timeoutMs ?? 5000,
        check: false,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    )
    return result.exitCode === PROBE_STATUS && result.stdout.includes(PROBE_TOKEN)
  } catch (error) {
    if (error instanceof CofferError && error.code === 'COMMAND_TIMED_OUT') return false
    throw error
  } finally {
    await removeTree(directory)
    await reaper.dismiss()
  }
}

function probeCommand(disk: string, accel: Accelerator, options: ProofOptions): Argv {
  return [
    options.program ?? 'qemu-system-x86_64',
    ...['-machine', options.machine ?? 'pc', '-nodefaults', '-display', 'none', '-no-reboot', '-m', '128'],
    ...(accel === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...['-drive', `file=${disk.replaceAll(',', ',,')},format=raw,if=ide,snapshot=on`],
    ...['-serial', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
  ]
}

async function kvmWorks(options: ProofOptions): Promise<boolean> {
  try {
    await access(options.kvmDevice ?? '/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return false
  }
  return runProbe('kvm', options)
}

async function machineKey({ program = 'qemu-system-x86_64', machine = 'pc' }: ProofOptions): Promise<string> {
  try {
    const version = (await run([program, '--version'])).stdout.split('\n')[0] ?? ''
    return [version, release(), cpus()[0]?.model ?? '', ...(machine === 'pc' ? [] : [machine])].join(' | ')
  } catch (error) {
    if (!(error instanceof CofferError) || error.code !== 'COMMAND_NOT_FOUND') throw error
    throw new CofferError(
      'TOOL_MISSING',
      `Running a virtual machine needs QEMU, but ${program} is not installed`,
      {
        hint: 'On Debian: apt-get install qemu-system-x86',
        cause: error,
      },
    )
  }
}

function cacheFileOf({ cacheFile }: ProofOptions): string {
  return cacheFile ?? join(homedir(), '.cache', 'coffer', 'acceleration.json')
}

async function recall(file: string, key: string, clock: Clock): Promise<Accelerator | undefined> {
  try {
    const verdict = JSON.parse(await readFile(file, 'utf8')) as Partial<Verdict>
    if (verdict.key !== key) return undefined
    if (verdict.accel === 'kvm') return 'kvm'
    const age = clock.now().getTime() - Date.parse(verdict.at ?? '')
    return verdict.accel === 'tcg' && age >= 0 && age < DISTRUST_MS ? 'tcg' : undefined
  } catch {
    // No verdict yet, or not one of ours: prove it again.
    return undefined
  }
}

async function remember(file: string, verdict: Verdict): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify(verdict, null, 2)}\n`)
  } catch {
    // A read-only home directory costs half a second at the next boot, nothing more.
  }
}
