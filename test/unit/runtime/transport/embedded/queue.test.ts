import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Consumer, createQueue, type Entry } from '../../../../../runtime/transport/embedded/queue.ts'
import { LIMITS } from '../../../../../runtime/transport/limits.ts'
import type { Principal } from '../../../../../runtime/transport/types.ts'
import { message } from './harness.ts'

const control: Principal = { kind: 'control', name: 'test' }
const guest = (instanceId: string): Principal => ({ kind: 'guest', instanceId })

function queueAt(time: { now: number } = { now: 0 }) {
  const gone: string[] = []
  const queue = createQueue('taskmanager', {
    clock: { now: () => new Date(time.now), sleep: async () => undefined },
    onGone: (entry, why) => gone.push(`${entry.envelope.id} ${why}`),
  })
  return { queue, gone }
}

function consumer(prefetch: number): Consumer & { readonly taken: Entry[] } {
  const taken: Entry[] = []
  return { prefetch, held: new Set(), taken, take: (entry) => void taken.push(entry) }
}

describe('a queue', () => {
  test('delivers in order of arrival whatever is given back in between', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('publish', 'take', 'giveBack', 'acknowledge')), (moves) => {
        const { queue } = queueAt()
        const reader = consumer(1)
        const acknowledged: number[] = []
        queue.addConsumer(reader)
        const step = (move: string) => {
          const [held] = reader.held
          if (move === 'publish') {
            queue.push(message(), control)
            queue.pump()
          } else if (held !== undefined && move === 'giveBack') queue.giveBack(reader, held)
          else if (held !== undefined && move === 'acknowledge') {
            acknowledged.push(held.seq)
            queue.acknowledge(reader, held)
          }
        }
        moves.forEach(step)
        expect(acknowledged).toEqual(acknowledged.map((_, index) => index + 1))
      }),
    )
  })

  test('gives what a lost consumer held to the next, marked and first', () => {
    const { queue } = queueAt()
    const first = consumer(2)
    queue.addConsumer(first)
    for (let n = 0; n < 3; n++) queue.push(message(), control)
    queue.pump()
    queue.removeConsumer(first)
    const second = consumer(3)
    queue.addConsumer(second)
    expect(second.taken.map(({ seq, redelivered }) => [seq, redelivered])).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ])
  })

  test('spreads messages over its consumers', () => {
    const { queue } = queueAt()
    const readers = [consumer(5), consumer(5)]
    for (const reader of readers) queue.addConsumer(reader)
    for (let n = 0; n < 6; n++) queue.push(message(), control)
    queue.pump()
    expect(readers.map(({ taken }) => taken.length)).toEqual([3, 3])
  })

  test('does not let a later message past one that is not stored yet', () => {
    const { queue } = queueAt()
    const reader = consumer(5)
    queue.addConsumer(reader)
    const { entry } = queue.push(message(), control)
    entry.ready = false
    queue.push(message(), control)
    queue.pump()
    expect(reader.taken).toEqual([])
    entry.ready = true
    queue.pump()
    expect(reader.taken.map(({ seq }) => seq)).toEqual([1, 2])
  })

  test('takes the same message of the same sender once, and of another sender again', () => {
    const { queue } = queueAt()
    const sent = message()
    queue.push(sent, control)
    queue.push(sent, control)
    queue.push(sent, guest('a'))
    expect(queue.size()).toBe(2)
  })

  test('drops what expired, and tells so', () => {
    const time = { now: 0 }
    const { queue, gone } = queueAt(time)
    queue.push(message({ id: 'short', expiresAt: 1000 }), control)
    time.now = 1000
    const reader = consumer(1)
    queue.addConsumer(reader)
    expect(reader.taken).toEqual([])
    expect(gone).toEqual(['short expired'])
  })

  test('makes room by dropping the oldest message that need not be kept, then refuses', () => {
    const { queue, gone } = queueAt()
    queue.push(message({ id: 'kept' }), control)
    queue.push(message({ id: 'passing', persistent: false }), control)
    for (let n = queue.size(); n < LIMITS.queueMessages; n++) queue.push(message(), control)

    queue.push(message(), control)

    expect(gone).toEqual(['passing dropped'])
    expect(() => queue.push(message(), control)).toThrow(
      expect.objectContaining({ code: 'TRANSPORT_QUEUE_FULL' }),
    )
  })

  test('lets a guest that floods it crowd out its own messages only', () => {
    const { queue, gone } = queueAt()
    queue.push(message({ id: 'of another', persistent: false }), guest('b'))
    for (let n = 0; n < LIMITS.guestMessages + 50; n++) {
      queue.push(message({ id: `flood-${n}`, persistent: false }), guest('a'))
    }
    expect(queue.size()).toBe(LIMITS.guestMessages + 1)
    expect(gone[0]).toBe('flood-0 dropped')
    expect(gone.filter((line) => line.startsWith('of another'))).toEqual([])
    const large = () => queue.push(message({ body: 'x'.repeat(LIMITS.guestBytes + 1) }), guest('c'))
    for (let n = 0; n < 3; n++) queue.push(message({ body: 'x'.repeat(LIMITS.guestBytes / 4) }), guest('c'))
    expect(large).toThrow(expect.objectContaining({ code: 'TRANSPORT_QUEUE_FULL' }))
  })
})
