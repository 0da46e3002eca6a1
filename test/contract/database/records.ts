import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SecurityGroupRow } from '../../../runtime/db/types.ts'
import { type Engine, type Opened, openWithDatastore } from './fixtures.ts'

/** Root history, security groups, and the hub's messages. */
export function recordSuite(engine: Engine): void {
  describe(`other records on ${engine.name}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
    })
    afterEach(() => opened.db.close())

    test('the first report of an enabled root is kept', async () => {
      const { rootHistory } = opened.db
      expect(await rootHistory.get('i1')).toBeUndefined()
      await rootHistory.report('i1', 'alice')
      opened.clock.advance(60)
      await rootHistory.report('i1', 'bob')
      expect(await rootHistory.get('i1')).toEqual({
        user: 'alice',
        created: new Date('2026-11-23T10:00:00Z'),
      })
    })

    const created = new Date('2026-11-23T10:00:00Z')
    const group = (instanceId: string, tenant: string): SecurityGroupRow => {
      const id = randomUUID()
      const rule = { group_id: id, protocol: 'tcp', cidr: '0.0.0.0/0', created }
      return {
        id,
        name: `trove_sg-${instanceId}`,
        description: 'Security Group',
        tenant_id: tenant,
        instance_id: instanceId,
        created,
        updated: created,
        rules: [
          { ...rule, id: randomUUID(), from_port: 3306, to_port: 3306 },
          { ...rule, id: randomUUID(), from_port: 4444, to_port: 4450 },
        ],
      }
    }

    test("a tenant sees its own groups with their rules, and nobody else's", async () => {
      const { securityGroups } = opened.db
      const [own, other] = [group('i1', 'tenant-a'), group('i2', 'tenant-b')]
      await securityGroups.create(own)
      await securityGroups.create(other)
      expect(await securityGroups.list('tenant-a')).toEqual([own])
      expect(await securityGroups.ofInstance('i1')).toEqual(own)
      expect(await securityGroups.get(own.id, 'tenant-a')).toEqual(own)
      expect(await securityGroups.get(own.id, 'tenant-b')).toBeUndefined()
      const [rule] = own.rules
      expect(await securityGroups.getRule(rule?.id ?? '', 'tenant-a')).toEqual(rule)
      expect(await securityGroups.getRule(rule?.id ?? '', 'tenant-b')).toBeUndefined()
    })

    test('rules are added and deleted, and all go with the instance', async () => {
      const { securityGroups } = opened.db
      const own = group('i1', 'tenant-a')
      await securityGroups.create(own)
      const more = { ...group('i1', 'tenant-a').rules[0], id: randomUUID(), group_id: own.id, from_port: 22 }
      const [first, second] = own.rules
      await securityGroups.addRules([more as (typeof own.rules)[number]])
      await securityGroups.deleteRule(first?.id ?? '')
      expect((await securityGroups.get(own.id))?.rules).toEqual([more, second])
      expect(await securityGroups.getRule(first?.id ?? '')).toBeUndefined()
      await securityGroups.deleteOfInstance('i1')
      await securityGroups.deleteOfInstance('i1')
      expect(await securityGroups.ofInstance('i1')).toBeUndefined()
      expect(await securityGroups.list('tenant-a')).toEqual([])
      expect(await securityGroups.getRule(second?.id ?? '')).toBeUndefined()
    })

    test('messages are kept in order of arrival, each once, until they are removed', async () => {
      const { messages } = opened.db
      const message = (id: string, queue: string, expires: number | null = null) => ({
        id,
        queue,
        body: `sealed ${id}`,
        sender: '{"kind":"control"}',
        expires_at: expires,
      })
      const [z, a, m] = [message('z', 'q1'), message('a', 'q2', 1763892010123), message('m', 'q1')]
      await messages.put(z)
      await messages.putAll?.([a, m])
      await messages.putAll?.([a, m])
      await messages.put({ ...z, body: 'another' })
      expect(await messages.all()).toEqual([z, a, m])
      await messages.remove(['z', 'nobody'])
      await messages.remove([])
      expect(await messages.all()).toEqual([a, m])
      await messages.put(message('b', 'q1'))
      await messages.removeQueue('q1')
      expect(await messages.all()).toEqual([a])
    })

    test('a message may be as long as a prepare with thousands of users', async () => {
      const { messages } = opened.db
      const long = { id: 'x', queue: 'q', body: 'é'.repeat(500_000), sender: '{}', expires_at: null }
      await messages.put(long)
      expect(await messages.all()).toEqual([long])
    })
  })
}
