import { describe, expect, test } from 'vitest'
import { createJournal, storeKey } from '../../../../../runtime/transport/embedded/journal.ts'
import type { MessageStore } from '../../../../../runtime/transport/embedded/store.ts'
import type { Principal } from '../../../../../runtime/transport/types.ts'
import { memoryStore, message, mirrorSealer } from './harness.ts'

const control: Principal = { kind: 'control', name: 'test' }

function journalOn(store: MessageStore) {
  const errors: string[] = []
  const journal = createJournal(store, mirrorSealer, (error, what) => errors.push(`${what}: ${error}`))
  return { journal, errors }
}

describe('the journal of persistent messages', () => {
  test('writes bodies sealed, and reads them back as they were', async () => {
    const store = memoryStore()
    const { journal } = journalOn(store)
    const sent = message({ body: '{"root_password":"hush"}', expiresAt: 12_345 })

    await journal.put('guestagent.a', sent, control)

    expect(JSON.stringify([...store.rows.values()])).not.toContain('hush')
    expect([...store.rows.values()]).toMatchObject([{ queue: 'guestagent.a', expires_at: 12_345 }])
    expect(await journal.load()).toEqual([{ queue: 'guestagent.a', envelope: sent, sender: control }])
  })

  test('gives all messages of one turn to a store that can take many', async () => {
    const batches: number[] = []
    const store = {
      ...memoryStore(),
      putAll: async (all: readonly unknown[]) => void batches.push(all.length),
    }
    const { journal } = journalOn(store)
    await Promise.all(Array.from({ length: 50 }, () => journal.put('taskmanager', message(), control)))
    expect(batches).toEqual([50])
  })

  test('keeps a message that was sent again after its removal', async () => {
    const store = memoryStore()
    const { journal } = journalOn(store)
    const sent = message()
    await journal.put('taskmanager', sent, control)
    journal.remove('taskmanager', sent, control)
    await journal.put('taskmanager', sent, control)
    await journal.flush()
    expect(store.rows.size).toBe(1)
  })

  test('a guest that chooses the id of another message neither hides nor removes it', async () => {
    const store = memoryStore()
    const { journal } = journalOn(store)
    const prepare = message({ id: 'prepare-b' })
    await journal.put('guestagent.b', prepare, control)
    await journal.put('trove-conductor', prepare, { kind: 'guest', instanceId: 'a' })
    journal.remove('trove-conductor', prepare, { kind: 'guest', instanceId: 'a' })
    await journal.flush()
    expect([...store.rows.keys()]).toEqual([storeKey('guestagent.b', control, 'prepare-b')])
  })

  test('a failed write fails the publishing, and the next one is tried anew', async () => {
    const store = memoryStore()
    let broken = true
    const put: MessageStore['put'] = async (row) => {
      if (broken) throw new Error('disk full')
      await store.put(row)
    }
    const { journal, errors } = journalOn({ ...store, put })
    await expect(journal.put('taskmanager', message(), control)).rejects.toThrow('disk full')
    broken = false
    await journal.put('taskmanager', message(), control)
    expect(store.rows.size).toBe(1)
    expect(errors).toEqual(['put: Error: disk full'])
  })

  test('a message that another key sealed is reported, and does not hide the others', async () => {
    const store = memoryStore()
    await store.put({ id: 'x', queue: 'taskmanager', body: 'garbage', sender: '{}', expires_at: null })
    const { journal, errors } = journalOn(store)
    const sent = message()
    await journal.put('taskmanager', sent, control)
    expect((await journal.load()).map(({ envelope }) => envelope.id)).toEqual([sent.id])
    expect(errors).toHaveLength(1)
  })
})
