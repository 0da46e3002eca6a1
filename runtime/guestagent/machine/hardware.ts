import { readFile } from 'node:fs/promises'

/** The answer of `get_hwinfo`: the way nova's instances are described (contract §4.3). */
export interface HardwareInfo {
  /** KiB. */
  readonly mem_total: number
  readonly num_cpus: number
}

/** The answer of `get_diagnostics`: the engine's process, sizes in KiB. */
export interface Diagnostics {
  readonly version: string
  readonly fdSize: number
  readonly vmSize: number
  readonly vmPeak: number
  readonly vmRss: number
  readonly vmHwm: number
  readonly threads: number
}

/** The machine's memory and processors. */
export async function hardwareInfo(): Promise<HardwareInfo> {
  const [memory, cpus] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    readFile('/proc/cpuinfo', 'utf8'),
  ])
  return {
    mem_total: field(memory, 'MemTotal'),
    num_cpus: cpus.match(/^processor\s*:/gm)?.length ?? 1,
  }
}

/** The kernel's figures of a process. */
export async function diagnosticsOf(pid: number, version: string): Promise<Diagnostics> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return {
    version,
    fdSize: field(status, 'FDSize'),
    vmSize: field(status, 'VmSize'),
    vmPeak: field(status, 'VmPeak'),
    vmRss: field(status, 'VmRSS'),
    vmHwm: field(status, 'VmHWM'),
    threads: field(status, 'Threads'),
  }
}

/** A number of `/proc`'s "Name: number unit" lines; 0 when there is no such line. */
export function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}
