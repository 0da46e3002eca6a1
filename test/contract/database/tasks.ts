import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, type Opened, openWithDatastore } from './fixtures.ts'

const LEASE = 30_000

export function taskSuite(engine: Engine): void {
  describe(`tasks on ${engine.name}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await openWithDatastore(engine)
    })
    afterEach(() => opened.db.close())

    const enqueue = (id: string, instanceId: string, args = 'sealed') =>
      opened.db.tasks.enqueue({
        id,
        kind: 'restart',
        instanceId,
        tenantId: 'tenant-a',
        args,
        requestId: 'req-1',
      })
    const claim = (owner: string) => opened.db.tasks.claim(owner, LEASE, opened.clock.now())

    test('the oldest is claimed first, with all that was put in', async () => {
      await enqueue('t1', 'i1', 'x'.repeat(100_000))
      await enqueue('t2', 'i2')
      expect(await claim('a')).toEqual({
        id: 't1',
        kind: 'restart',
        instanceId: 'i1',
        tenantId: 'tenant-a',
        args: 'x'.repeat(100_000),
        state: 'running',
        owner: 'a',
        attempts: 1,
        requestId: 'req-1',
        errorCode: null,
        errorMessage: null,
        created: new Date('2026-11-23T10:00:00.250Z'),
      })
      expect((await claim('b'))?.id).toBe('t2')
      expect(await claim('c')).toBeUndefined()
    })

    test('tasks of one instance go one at a time and in order, those of others in between', async () => {
      const { tasks } = opened.db
      await enqueue('t1', 'i1')
      await enqueue('t2', 'i1')
      await enqueue('t3', 'i2')
      expect((await claim('a'))?.id).toBe('t1')
      expect((await claim('b'))?.id).toBe('t3')
      expect(await claim('c')).toBeUndefined()
      expect(await tasks.setState('t1', 'a', 'failed', { code: 'X', message: 'why' })).toBe(true)
      expect((await claim('c'))?.id).toBe('t2')
      expect((await tasks.ofInstance('i1')).map(({ id, state }) => [id, state])).toEqual([
        ['t1', 'failed'],
        ['t2', 'running'],
      ])
    })

    test('a task that ended holds no arguments any more, and keeps its error', async () => {
      const { tasks } = opened.db
      await enqueue('t1', 'i1', 'password')
      await claim('a')
      await tasks.setState('t1', 'a', 'undoing', { code: 'BOOM', message: 'it broke' })
      expect(await tasks.get('t1')).toMatchObject({ state: 'undoing', args: 'password', errorCode: 'BOOM' })
      await tasks.setState('t1', 'a', 'failed')
      expect(await tasks.get('t1')).toMatchObject({
        state: 'failed',
        args: '',
        errorCode: 'BOOM',
        errorMessage: 'it broke',
      })
      expect(await tasks.setState('t1', 'a', 'running')).toBe(false)
      expect(await tasks.get('nobody')).toBeUndefined()
    })

    test('a lease that ran out is lost: another one takes the task in the state it was in', async () => {
      const { db, clock } = opened
      await enqueue('t1', 'i1')
      await claim('a')
      await db.tasks.setState('t1', 'a', 'undoing')
      clock.advance(29)
      expect(await claim('b')).toBeUndefined()
      expect(await db.tasks.renew('t1', 'a', LEASE, clock.now())).toBe(true)
      clock.advance(29)
      expect(await claim('b')).toBeUndefined()
      clock.advance(2)
      expect(await db.tasks.renew('t1', 'a', LEASE, clock.now())).toBe(false)
      expect(await claim('b')).toMatchObject({ id: 't1', state: 'undoing', owner: 'b', attempts: 2 })
      expect(await db.tasks.renew('t1', 'a', LEASE, clock.now())).toBe(false)
      expect(await db.tasks.setState('t1', 'a', 'done')).toBe(false)
      expect(await db.tasks.renew('t1', 'b', LEASE, clock.now())).toBe(true)
    })

    test('a task that is given back is free at once, but not by somebody who does not hold it', async () => {
      const { tasks } = opened.db
      await enqueue('t1', 'i1')
      await claim('a')
      await tasks.release('t1', 'b')
      expect(await claim('b')).toBeUndefined()
      await tasks.release('t1', 'a')
      expect(await claim('b')).toMatchObject({ id: 't1', owner: 'b', state: 'running' })
    })

    test('who holds a task can be asked for, while the lease runs', async () => {
      const { db, clock } = opened
      await enqueue('t1', 'i1')
      await enqueue('t2', 'i2')
      await claim('a')
      expect(await db.tasks.held(clock.now())).toEqual([{ id: 't1', owner: 'a' }])
      await db.tasks.setState('t1', 'a', 'done')
      await claim('b')
      expect(await db.tasks.held(clock.now())).toEqual([{ id: 't2', owner: 'b' }])
      clock.advance(31)
      expect(await db.tasks.held(clock.now())).toEqual([])
    })

    test('of many claims at once each task goes to one', async () => {
      for (let at = 0; at < 10; at++) await enqueue(`t${at}`, `i${at % 5}`)
      const claimed = await Promise.all(Array.from({ length: 20 }, (_, at) => claim(`owner-${at}`)))
      const ids = claimed.flatMap((task) => (task === undefined ? [] : [task.id]))
      expect(ids.sort()).toEqual(['t0', 't1', 't2', 't3', 't4'])
    })

    test('steps are read in the order in which they were started first', async () => {
      const { db, clock } = opened
      await enqueue('t1', 'i1')
      await db.tasks.startStep('t1', 'volume', '{"id":1}')
      clock.advance(1)
      await db.tasks.finishStep('t1', 'volume', 'done', '{"id":2}')
      await db.tasks.startStep('t1', 'server', '{}')
      await db.tasks.finishStep('t1', 'server', 'undone', '{}')
      clock.advance(1)
      await db.tasks.startStep('t1', 'volume', '{"id":3}')
      expect(await db.tasks.steps('t1')).toEqual([
        {
          name: 'volume',
          state: 'started',
          data: '{"id":3}',
          started: new Date('2026-11-23T10:00:02.250Z'),
          finished: null,
        },
        {
          name: 'server',
          state: 'undone',
          data: '{}',
          started: new Date('2026-11-23T10:00:01.250Z'),
          finished: new Date('2026-11-23T10:00:01.250Z'),
        },
      ])
    })

    test('old tasks that ended are removed with their steps, open ones never', async () => {
      const { db, clock } = opened
      await enqueue('t1', 'i1')
      await enqueue('t2', 'i2')
      await claim('a')
      await db.tasks.startStep('t1', 'volume', '{}')
      await db.tasks.setState('t1', 'a', 'done')
      clock.advance(3600)
      expect(await db.tasks.prune(new Date('2026-11-23T10:00:00Z'))).toBe(0)
      expect(await db.tasks.prune(clock.now())).toBe(1)
      expect(await db.tasks.get('t1')).toBeUndefined()
      expect(await db.tasks.steps('t1')).toEqual([])
      expect(await db.tasks.get('t2')).toMatchObject({ state: 'queued' })
    })
  })
}
