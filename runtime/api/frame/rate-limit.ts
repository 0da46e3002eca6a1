import type { Clock } from '../../../lib/clock.ts'
import type { Settings } from '../../settings/types.ts'

/** Seconds that a limit counts over. */
const UNIT = 60

interface LimitRule {
  readonly verb: string
  readonly uri: string
  readonly regex: string
  /** Requests a minute. */
  readonly value: number
}

interface Bucket {
  /** Seconds of the unit that are spent; they leak away with time. */
  level: number
  last: number
  /** When the next request may come, milliseconds since the epoch. */
  next: number
  remaining: number
}

/** A line of `GET /limits` (contract §1.9). */
export interface LimitView extends LimitRule {
  readonly remaining: number
  readonly unit: 'MINUTE'
  readonly nextAvailable: string
}

export interface RateLimiter {
  /**
   * Counts a request.
   * @param path below the tenant: `/mgmt/…`
   * @returns what was exceeded and for how many seconds; undefined when the request may pass
   */
  readonly take: (
    tenantId: string,
    verb: string,
    path: string,
  ) => { readonly seconds: number; readonly details: string } | undefined
  readonly view: (tenantId: string) => readonly LimitView[]
}

/** The rules that are switched on, in the order that `GET /limits` shows. */
function limitRules(settings: Settings): readonly LimitRule[] {
  const all = (verb: string, value: number): LimitRule => ({ verb, uri: '*', regex: '.*', value })
  return [
    all('POST', settings.httpPostRate),
    all('PUT', settings.httpPutRate),
    all('DELETE', settings.httpDeleteRate),
    all('GET', settings.httpGetRate),
    { verb: 'POST', uri: '*/mgmt', regex: '^/mgmt', value: settings.httpMgmtPostRate },
  ].filter((rule) => rule.value > 0)
}

/** Verbs that Trove's limiter lets through uncounted are counted with the one they resemble. */
const COUNTED_AS: Readonly<Record<string, string>> = { PATCH: 'PUT', HEAD: 'GET' }

/** Tenants whose buckets are kept at most, before the empty ones are dropped. */
const MOST_TENANTS = 10_000

/** Trove's leaky bucket for each tenant and verb, in memory (contract §1.1). */
export function rateLimiter(settings: Settings, clock: Clock): RateLimiter {
  const rules = limitRules(settings)
  const patterns = rules.map((rule) => new RegExp(rule.regex))
  const tenants = new Map<string, Bucket[]>()

  const bucketsOf = (tenantId: string, now: number): Bucket[] => {
    const known = tenants.get(tenantId)
    if (known !== undefined) return known
    if (tenants.size >= MOST_TENANTS) {
      for (const [id, buckets] of tenants) {
        if (buckets.every((bucket) => now - bucket.last > UNIT * 1000)) tenants.delete(id)
      }
    }
    const fresh = rules.map((rule) => ({ level: 0, last: now, next: now, remaining: rule.value }))
    tenants.set(tenantId, fresh)
    return fresh
  }

  /** @returns seconds to wait, 0 when the request fits */
  const pour = (bucket: Bucket, rule: LimitRule, now: number): number => {
    const share = UNIT / rule.value
    const leaked = Math.max(0, bucket.level - Math.max(0, now - bucket.last) / 1000)
    bucket.last = now
    const wanted = leaked + share
    // Nanoseconds of rounding must not refuse the last request of the minute.
    if (wanted - UNIT > 1e-6) {
      bucket.level = leaked
      bucket.next = now + (wanted - UNIT) * 1000
      return wanted - UNIT
    }
    bucket.level = wanted
    bucket.next = now
    bucket.remaining = Math.floor(((UNIT - wanted) / UNIT) * rule.value + 1e-6)
    return 0
  }

  return {
    take: (tenantId, verb, path) => {
      if (rules.length === 0) return undefined
      const counted = COUNTED_AS[verb] ?? verb
      const now = clock.now().getTime()
      const buckets = bucketsOf(tenantId, now)
      let refused: { seconds: number; details: string } | undefined
      for (const [index, rule] of rules.entries()) {
        const bucket = buckets[index]
        if (bucket === undefined || rule.verb !== counted || patterns[index]?.test(path) !== true) continue
        const wait = pour(bucket, rule, now)
        if (wait === 0 || (refused !== undefined && refused.seconds <= wait)) continue
        refused = {
          seconds: Math.ceil(wait),
          details: `Only ${rule.value} ${rule.verb} request(s) can be made to ${rule.uri} every MINUTE.`,
        }
      }
      return refused
    },
    view: (tenantId) => {
      const now = clock.now().getTime()
      const buckets = bucketsOf(tenantId, now)
      return rules.map((rule, index) => ({
        ...rule,
        remaining: buckets[index]?.remaining ?? rule.value,
        unit: 'MINUTE',
        nextAvailable: `${new Date(buckets[index]?.next ?? now).toISOString().slice(0, 19)}Z`,
      }))
    },
  }
}
