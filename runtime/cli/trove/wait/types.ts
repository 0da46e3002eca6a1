import type { Arguments, OptionSpec } from '../arguments/types.ts'
import type { JsonObject } from '../commands/types.ts'
import type { Noun } from '../service/find.ts'

/** `--wait` and its deadline, for every command that starts something long. */
export const waitOptions: readonly OptionSpec[] = [
  { names: ['--wait'], takes: 'flag', ours: true, help: 'Wait for the end, and fail when it fails.' },
  {
    names: ['--wait-timeout'],
    takes: 'one',
    metavar: '<seconds>',
    ours: true,
    help: 'Give up waiting after this time (default: 3600). What was started goes on.',
  },
]

/** What is waited for. */
export interface Goal {
  readonly noun: Noun
  readonly id: string
  readonly name: string
  /** True when the object shall be gone. */
  readonly gone?: boolean
}

/** Waits, if the command line says so. */
export interface Waiting {
  /**
   * @returns the object as it is at the end, or undefined when nobody waits or the object is gone
   * @throws CofferError `WAIT_FAILED` with the object's own reason, `WAIT_TIMEOUT`
   */
  readonly until: (args: Arguments, goal: Goal) => Promise<JsonObject | undefined>
}
