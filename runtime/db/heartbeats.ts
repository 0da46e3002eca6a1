import { randomUUID } from 'node:crypto'
import { insertMany, locked } from '../../lib/sql/index.ts'
import { serviceStatusOfCode } from '../model/service-status.ts'
import { type DbScope, now } from './scope.ts'
import type { Heartbeat } from './types.ts'

const METHOD = 'heartbeat'
/** Ids in one IN list. A fixed size makes few different statements, each prepared once. */
const CHUNK = 500

/**
 * Keeps many heartbeats with a handful of statements, whatever their number (contract §4.2). Call it inside a transaction.
 *
 * @returns how many were kept
 */
export async function applyHeartbeats(inside: DbScope, heartbeats: readonly Heartbeat[]): Promise<number> {
  let kept = 0
  const byInstance = Map.groupBy(heartbeats, ({ instanceId }) => instanceId)
  // Always in the same order, so that two conductors do not wait for each other's rows crosswise.
  const ids = [...byInstance.keys()].sort()
  for (let from = 0; from < ids.length; from += CHUNK) {
    const chunk = ids.slice(from, from + CHUNK)
    const lastSeen = await lastSeenOf(inside, chunk)
    const fresh = chunk.flatMap((id) => {
      const last = lastSeen.get(id)
      if (last === undefined) return []
      const newer = (byInstance.get(id) ?? []).filter(({ sent }) => sent > last)
      return newer.length === 0 ? [] : [newer.sort((a, b) => a.sent - b.sent)]
    })
    // A message that came twice counts once, as it would one by one.
    kept += fresh.reduce((sum, beats) => sum + new Set(beats.map(({ sent }) => sent)).size, 0)
    if (fresh.length > 0) await write(inside, fresh.map(merged))
  }
  return kept
}

/** `sent` of the last heartbeat of each living instance; -Infinity when there was none. */
async function lastSeenOf({ sql }: DbScope, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const living = await sql.db
    .selectFrom('instances')
    .select('id')
    .where('id', 'in', ids)
    .where('deleted', '=', 0)
    .execute()
  const seen = sql.db
    .selectFrom('conductor_lastseen')
    .select(['instance_id', 'sent'])
    .where('instance_id', 'in', ids)
    .where('method_name', '=', METHOD)
  // Held to the end, so that another conductor's older batch cannot come over this one.
  const rows = await locked(sql, seen).execute()
  const sent = new Map(rows.map((row) => [row.instance_id, row.sent]))
  return new Map(living.map(({ id }) => [id, sent.get(id) ?? Number.NEGATIVE_INFINITY]))
}

/** One heartbeat in place of several of one guest, in order: of each figure the newest. */
function merged(beats: readonly Heartbeat[]): Heartbeat {
  const [first, ...rest] = beats
  if (first === undefined) throw new TypeError('There is no heartbeat to merge')
  return Object.assign({ ...first }, ...rest) as Heartbeat
}

async function write(inside: DbScope, beats: readonly Heartbeat[]): Promise<void> {
  const time = now(inside)
  await insertMany(inside.sql, {
    table: 'conductor_lastseen',
    key: ['instance_id', 'method_name'],
    update: { sent: 'replace' },
    rows: beats.map(({ instanceId, sent }) => ({ instance_id: instanceId, method_name: METHOD, sent })),
  })
  await insertMany(inside.sql, {
    table: 'agent_heartbeats',
    key: ['instance_id'],
    update: {
      guest_agent_version: 'replace-if-set',
      updated_at: 'replace',
      volume_used: 'replace-if-set',
      volume_total: 'replace-if-set',
    },
    rows: beats.map((beat) => ({
      id: randomUUID(),
      instance_id: beat.instanceId,
      guest_agent_version: beat.agentVersion ?? null,
      deleted: 0,
      deleted_at: null,
      updated_at: time,
      volume_used: beat.volumeUsedBytes ?? null,
      volume_total: beat.volumeTotalBytes ?? null,
    })),
  })
  // Guests are in very few different states, so this is one statement or two.
  for (const [code, same] of Map.groupBy(beats, ({ serviceCode }) => serviceCode)) {
    await inside.sql.db
      .updateTable('service_statuses')
      .set({
        updated_at: time,
        ...(code === undefined
          ? {}
          : { status_id: code, status_description: serviceStatusOfCode(code).description }),
      })
      .where(
        'instance_id',
        'in',
        same.map(({ instanceId }) => instanceId),
      )
      .execute()
  }
}
