import type { Clock } from '../../../../lib/clock.ts'
import { CofferError } from '../../../../lib/errors.ts'
import type { Arguments } from '../arguments/types.ts'
import type { JsonObject } from '../commands/types.ts'
import { child } from '../output/fields.ts'
import { ServiceFault } from '../service/faults.ts'
import { resource } from '../service/path.ts'
import type { Service } from '../service/types.ts'
import { outcomeOf, reasonOf, statusOf } from './outcome.ts'
import type { Progress } from './progress.ts'
import type { Goal, Waiting } from './types.ts'

const DEFAULT_SECONDS = 3600
/** Milliseconds between two looks: soon at first, so that quick work is not waited for. */
const FIRST_LOOK = 500
const LAST_LOOK = 3000
/** An object that has failed before may show so until the service begins with it. Milliseconds. */
const OLD_FAILURE = 15_000
/** Looks in a row that may find no service: it may be restarting. */
const MISSED_LOOKS = 20

/** What waiting needs. */
export interface WaitDeps {
  readonly service: Service
  readonly clock: Clock
  readonly progress: Progress
}

/** Waits for objects by looking at them. */
export function waiting(deps: WaitDeps): Waiting {
  return {
    until: async (args, goal) => {
      if (!args.has('wait')) return undefined
      const seconds = secondsOf(args)
      try {
        return await look(deps, goal, seconds)
      } finally {
        deps.progress.end()
      }
    },
  }
}

async function look(
  { service, clock, progress }: WaitDeps,
  goal: Goal,
  seconds: number,
): Promise<JsonObject | undefined> {
  const started = clock.now().getTime()
  const elapsed = () => clock.now().getTime() - started
  let worked = goal.gone !== true
  let missed = 0
  let pause = FIRST_LOOK
  for (;;) {
    const seen = await lookOnce(service, goal)
    if (seen === 'unreachable') {
      missed += 1
      if (missed > MISSED_LOOKS) throw lost(goal)
    } else {
      missed = 0
      if (seen === 'gone') {
        if (goal.gone === true) {
          progress.say(goal.name, 'deleted', elapsed())
          return undefined
        }
        throw new CofferError(
          'WAIT_FAILED',
          `${goal.noun.name} ${goal.name} was deleted while it was waited for`,
        )
      }
      progress.say(goal.name, statusOf(seen), elapsed())
      const outcome = outcomeOf(seen)
      if (outcome === 'done' && goal.gone !== true) return seen
      if (outcome === 'failed' && (worked || elapsed() > OLD_FAILURE)) throw failed(goal, seen)
      worked ||= outcome === 'working'
    }
    if (elapsed() >= seconds * 1000) throw late(goal, seen, seconds)
    await clock.sleep(Math.min(pause, Math.max(seconds * 1000 - elapsed(), 1)))
    pause = Math.min(pause * 1.5, LAST_LOOK)
  }
}

async function lookOnce(service: Service, { noun, id }: Goal): Promise<JsonObject | 'gone' | 'unreachable'> {
  try {
    return child(await service.get(resource(noun.collection, id)), noun.one)
  } catch (error) {
    if (error instanceof ServiceFault && error.status === 404) return 'gone'
    // A wait outlives a restart of the services.
    if (error instanceof CofferError && error.retryable) return 'unreachable'
    throw error
  }
}

function secondsOf(args: Arguments): number {
  const given = args.maybe('wait_timeout')
  const seconds = given === undefined ? DEFAULT_SECONDS : Number(given)
  if (Number.isFinite(seconds) && seconds > 0) return seconds
  throw new CofferError('VALUE_INVALID', `--wait-timeout: '${given}' is not a number of seconds`)
}

function failed(goal: Goal, object: JsonObject): CofferError {
  const reason = reasonOf(object)
  return new CofferError(
    'WAIT_FAILED',
    `${goal.noun.name} ${goal.name} is in status ${statusOf(object)}${reason === undefined ? '' : `: ${reason}`}`,
    goal.noun.name === 'instance' ? { hint: `more with: trove show ${goal.id}` } : {},
  )
}

function late(goal: Goal, seen: JsonObject | 'unreachable', seconds: number): CofferError {
  const last = seen === 'unreachable' ? 'the service cannot be reached' : `the status is ${statusOf(seen)}`
  return new CofferError(
    'WAIT_TIMEOUT',
    `${goal.noun.name} ${goal.name} did not get there within ${seconds} s: ${last}`,
    { hint: 'it goes on without this command; wait longer with --wait-timeout <seconds>' },
  )
}

function lost(goal: Goal): CofferError {
  return new CofferError(
    'WAIT_TIMEOUT',
    `the service went away while ${goal.noun.name} ${goal.name} was waited for`,
    { hint: 'start the services with "coffer up"; they go on where they were' },
  )
}
