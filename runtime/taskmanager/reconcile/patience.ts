import type { Action } from './types.ts'

/** Remembers what was found at the last passes, so that only what lasts is acted on. */
export interface Patience {
  /**
   * The actions that are due: what harms nothing at once, the others when they were found at every pass for the grace
   * period. An action that did not help is due again after a pause that doubles.
   */
  readonly due: (actions: readonly Action[], now: Date) => readonly Action[]
}

const AT_ONCE: readonly Action['do'][] = ['refresh']
/** After the machine was down its guests should not have to wait. */
const FIRST_AT_ONCE: readonly Action['do'][] = ['startServer', 'enqueueDelete']
const PAUSE_MAX_MS = 3_600_000

interface Finding {
  times: number
  next: number
}

export function openPatience(graceMs: number): Patience {
  let findings = new Map<string, Finding>()
  return {
    due(actions, now) {
      const time = now.getTime()
      const current = new Map<string, Finding>()
      for (const { key, do: kind } of actions) {
        if (AT_ONCE.includes(kind)) continue
        const next = FIRST_AT_ONCE.includes(kind) ? time : time + graceMs
        current.set(key, findings.get(key) ?? { times: 0, next })
      }
      // What was not found this time has mended itself; its patience starts anew.
      findings = current
      return actions.filter(({ key }) => {
        const finding = findings.get(key)
        if (finding === undefined) return true
        if (time < finding.next) return false
        finding.times += 1
        finding.next = time + Math.min(PAUSE_MAX_MS, Math.max(graceMs, 1000) * 2 ** finding.times)
        return true
      })
    },
  }
}
