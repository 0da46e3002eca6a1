import { CofferError } from '../../../../lib/errors.ts'
import type { Settings } from '../../../settings/types.ts'
import { checkImageKeys } from './image-keys.ts'
import { checkClock, checkDisk, checkMemory } from './machine.ts'
import { checkGuestRange, checkPorts } from './network.ts'
import { checkAcceleration, checkPrograms, checkQemu } from './qemu.ts'
import { checkDatabase, checkIdentity, checkImages, checkSecrets, checkStateDir } from './state.ts'
import { type Check, type CheckResult, fail } from './types.ts'

export type { CheckResult } from './types.ts'

type NamedCheck = readonly [name: string, check: (settings: Settings) => Promise<CheckResult>]

/** Those that cost next to nothing and decide whether a start can succeed. */
const FIRST: readonly NamedCheck[] = [
  ['state', checkStateDir],
  ['qemu', checkQemu],
  ['programs', checkPrograms],
  ['disk', checkDisk],
  ['ports', checkPorts],
]

const MORE: readonly NamedCheck[] = [
  ['acceleration', checkAcceleration],
  ['memory', checkMemory],
  ['guest range', checkGuestRange],
  ['clock', checkClock],
  ['secrets', checkSecrets],
  ['database', checkDatabase],
  ['images', checkImages],
  ['image keys', checkImageKeys],
  ['identity', checkIdentity],
]

/** All checks, in the order to read them. */
export const allChecks = (settings: Settings): readonly Check[] =>
  [...FIRST, ...MORE].map((check) => guarded(check, settings))

/** The checks that `coffer up` makes. */
export const checksBeforeStart = (settings: Settings): Promise<readonly CheckResult[]> =>
  Promise.all(FIRST.map((check) => guarded(check, settings)()))

/** A check that breaks is a failed one, and the others still run. */
const guarded =
  ([name, check]: NamedCheck, settings: Settings): Check =>
  async () => {
    try {
      return await check(settings)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const hint = error instanceof CofferError ? error.hint : undefined
      return fail(name, message, hint ?? 'See coffer logs.')
    }
  }
