import type { Clock } from '../../lib/clock.ts'
import { tooManyLogins } from './errors.ts'

/** Wrong passwords that cost nothing: a person may mistype. */
const FREE_FAILURES = 3
const FIRST_DELAY_MS = 250
const MAX_DELAY_MS = 8000
/** A row of failures is forgotten after this long. */
const MEMORY_MS = 15 * 60 * 1000
/** Attempts for one name from one address that may wait at a time. */
const MAX_WAITING = 8
/** Passwords checked at a time by all, since each check takes 16 MiB and a core; and how many more may wait. */
const MAX_CHECKS = 2
const MAX_QUEUE = 64
const MAX_REMEMBERED = 10_000

interface Attempts {
  failures: number
  lastFailure: number
  waiting: number
  turn: Promise<void>
}

/** Slows down the guessing of passwords. */
export interface LoginGate {
  /**
   * Runs a check of a password, one after another for the same name from the same address, each later than the last while
   * they fail. Who comes from elsewhere does not wait for that.
   *
   * @throws CofferError IDENTITY_TOO_MANY_LOGINS when too many wait already
   */
  readonly attempt: (name: string, address: string, check: () => Promise<boolean>) => Promise<boolean>
}

/** How long the next attempt waits after so many failures, in milliseconds. */
export function loginDelay(failures: number): number {
  if (failures < FREE_FAILURES) return 0
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - FREE_FAILURES, 10), MAX_DELAY_MS)
}

/** A gate that remembers in memory: a restart forgives. */
export function loginGate(clock: Clock): LoginGate {
  const remembered = new Map<string, Attempts>()
  const checks = limiter(MAX_CHECKS, MAX_QUEUE)
  return {
    async attempt(name, address, check) {
      const key = `${address} ${name}`
      const attempts = remembered.get(key) ?? {
        failures: 0,
        lastFailure: 0,
        waiting: 0,
        turn: Promise.resolve(),
      }
      if (attempts.waiting >= MAX_WAITING) throw tooManyLogins()
      attempts.waiting++
      remembered.delete(key)
      remembered.set(key, attempts)
      const before = attempts.turn
      let done: () => void = () => undefined
      attempts.turn = new Promise((resolve) => {
        done = resolve
      })
      try {
        await before
        if (clock.now().getTime() - attempts.lastFailure > MEMORY_MS) attempts.failures = 0
        const delay = loginDelay(attempts.failures)
        if (delay > 0) await clock.sleep(delay)
        const ok = await checks(check)
        attempts.failures = ok ? 0 : attempts.failures + 1
        if (!ok) attempts.lastFailure = clock.now().getTime()
        return ok
      } finally {
        attempts.waiting--
        if (attempts.failures === 0 && attempts.waiting === 0) remembered.delete(key)
        forgetOldest(remembered)
        done()
      }
    },
  }
}

function forgetOldest(remembered: Map<string, Attempts>): void {
  if (remembered.size <= MAX_REMEMBERED) return
  for (const [key, { waiting }] of remembered) {
    if (waiting === 0) {
      remembered.delete(key)
      return
    }
  }
}

/** Lets at most `running` pieces of work run at a time and `queued` more wait. */
function limiter(running: number, queued: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = running
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else {
      if (waiting.length >= queued) throw tooManyLogins()
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
