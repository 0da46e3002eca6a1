import type { GuestMethodName } from '../../rpc/guest-methods.ts'
import type { Json } from '../../rpc/types.ts'
import { malformed } from '../guest.ts'

// A guest runs beside a tenant's data and its words are not to be trusted: whatever it answers, the API's answer has the
// shape that clients rely on, or is a fault.

type Fields = { readonly [key: string]: Json }

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Databases of a guest's answer as the API shows them. */
export function databaseViews(answer: Json | undefined, method: GuestMethodName) {
  if (!Array.isArray(answer)) throw malformed(method)
  return (answer as readonly Json[]).map((item) => {
    if (!isFields(item) || typeof item._name !== 'string') throw malformed(method)
    return { name: item._name }
  })
}

/** A user as the API shows it: `databases` is always a list (Trove contract §2.5 point 17). */
export function userView(answer: Json | undefined, method: GuestMethodName) {
  if (!isFields(answer) || typeof answer._name !== 'string') throw malformed(method)
  const host = typeof answer._host === 'string' ? answer._host : '%'
  return { name: answer._name, host, databases: databaseViews(answer._databases ?? [], method) }
}

/** A page of a guest's list: `[items, next marker or null]`. */
export function guestPage(
  answer: Json,
  method: GuestMethodName,
): { readonly items: readonly Json[]; readonly next: string | null } {
  if (!Array.isArray(answer)) throw malformed(method)
  const [items, next = null] = answer as readonly Json[]
  if (!Array.isArray(items) || (next !== null && typeof next !== 'string')) throw malformed(method)
  return { items: items as readonly Json[], next }
}

/** The superuser that was just enabled. */
export function rootView(answer: Json, method: GuestMethodName) {
  if (!isFields(answer) || typeof answer._name !== 'string' || typeof answer._password !== 'string')
    throw malformed(method)
  return { name: answer._name, password: answer._password }
}

/** An object of plain values, as hwinfo and diagnostics are. */
export function plainView(answer: Json, method: GuestMethodName): Fields {
  if (!isFields(answer)) throw malformed(method)
  return answer
}
