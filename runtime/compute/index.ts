import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../lib/clock.ts'
import { closest } from '../../lib/closest.ts'
import { CofferError } from '../../lib/errors.ts'
import type { Settings } from '../settings/types.ts'
import type { ComputeDriver } from './types.ts'

/** What a member of the family is opened with. */
export interface ComputeDeps {
  readonly clock: Clock
  readonly log: Logger
}

type Open = (settings: Settings, deps: ComputeDeps) => Promise<ComputeDriver>

/** Members are loaded when they are chosen: what is not used costs no memory. */
const DRIVERS: Readonly<Record<string, Open>> = {
  async fake(settings, deps) {
    const { openFakeCompute } = await import('./fake/index.ts')
    return openFakeCompute(join(settings.stateDir, 'fake-compute'), deps)
  },
  async qemu(settings, deps) {
    const { openQemuCompute } = await import('./qemu/index.ts')
    return openQemuCompute(settings, deps)
  },
}

/**
 * Opens the compute driver that the settings name.
 *
 * @throws CofferError COMPUTE_DRIVER_UNKNOWN; what the driver throws
 */
export async function openCompute(settings: Settings, deps: ComputeDeps): Promise<ComputeDriver> {
  const { computeDriver } = settings
  const open = Object.hasOwn(DRIVERS, computeDriver) ? DRIVERS[computeDriver] : undefined
  if (open === undefined) {
    const names = Object.keys(DRIVERS)
    throw new CofferError('COMPUTE_DRIVER_UNKNOWN', `There is no compute driver '${computeDriver}'`, {
      hint: `Known are: ${names.join(', ')}. Did you mean ${closest(computeDriver, names)[0] ?? 'qemu'}?`,
    })
  }
  return open(settings, deps)
}
