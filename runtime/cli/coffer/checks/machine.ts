import { readFile, stat, statfs } from 'node:fs/promises'
import type { Flavor } from '../../../model/flavor.ts'
import type { Settings } from '../../../settings/types.ts'
import { nearest } from './nearest.ts'
import { type CheckResult, fail, ok, warn } from './types.ts'

const GIB = 2 ** 30

export async function checkDisk({ stateDir }: Settings): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(await nearest(stateDir))
  return judgeDisk((bavail * bsize) / GIB)
}

/** @param freeGiB what an ordinary user may still write where the instances are */
export function judgeDisk(freeGiB: number): CheckResult {
  const sentence = `${freeGiB.toFixed(1)} GiB free for images and instances`
  const hint = 'Free some space, or put the state directory elsewhere with COFFER_STATE_DIR.'
  if (freeGiB < 1) return fail('disk', sentence, hint)
  return freeGiB < 10 ? warn('disk', sentence, hint) : ok('disk', sentence)
}

export async function checkMemory(settings: Settings): Promise<CheckResult> {
  const { parseMemory } = await import('../../../compute/qemu/host-limits.ts')
  const { available } = parseMemory(await readFile('/proc/meminfo', 'utf8'))
  return judgeMemory(available, await flavorsOf(settings))
}

/** @param available MiB that can be had without swapping */
export function judgeMemory(available: number, flavors: readonly Flavor[]): CheckResult {
  const fitting = flavors.filter(({ ram }) => ram <= available).sort((a, b) => b.ram - a.ram)
  const [largest] = fitting
  const sentence = `${available} MiB of memory available`
  if (largest === undefined) {
    return fail(
      'memory',
      `${sentence}: no flavor fits`,
      'Stop something, or define a smaller flavor in flavors.yaml.',
    )
  }
  const text = `${sentence}: enough for flavor ${largest.id} (${largest.name}, ${largest.ram} MiB)`
  return fitting.length === flavors.length || largest.ram >= 2048
    ? ok('memory', text)
    : warn('memory', text, 'MySQL and others start slowly below 2048 MiB.')
}

async function flavorsOf({ computeDriver, stateDir }: Settings): Promise<readonly Flavor[]> {
  const { defaultFlavors, readFlavors } = await import('../../../compute/qemu/flavors.ts')
  if (computeDriver !== 'qemu') return defaultFlavors
  const { layoutOf } = await import('../../../compute/qemu/layout.ts')
  return readFlavors(layoutOf(stateDir).flavors)
}

/** Tokens, leases and certificates go by the clock; one that was never set stands before this program was made. */
export async function checkClock(): Promise<CheckResult> {
  const made = await stat(new URL('../../../../package.json', import.meta.url))
  const synchronised = await stat('/run/systemd/timesync/synchronized').then(
    () => true,
    () => false,
  )
  return judgeClock(new Date(), made.mtime, synchronised)
}

/**
 * @param made when this program's files were written
 * @param synchronised whether systemd-timesyncd says so; false also where another program keeps the clock
 */
export function judgeClock(now: Date, made: Date, synchronised: boolean): CheckResult {
  const text = `${now.toISOString().slice(0, 19)}Z`
  if (now.getTime() < made.getTime() - 24 * 3600_000) {
    return fail(
      'clock',
      `the clock says ${text}, before this program was installed`,
      'Set it: timedatectl set-ntp true',
    )
  }
  return ok('clock', synchronised ? `${text}, synchronised` : text)
}
