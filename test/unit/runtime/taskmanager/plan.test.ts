import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StepRecord } from '../../../../runtime/db/types.ts'
import { type Decision, decide, FAILURE } from '../../../../runtime/taskmanager/flow/plan.ts'

const steps = [
  { name: 'volume created', undoable: true },
  { name: 'server created', undoable: true },
  { name: 'prepare sent', undoable: false },
]
const record = (name: string, state: StepRecord['state']): StepRecord => ({
  name,
  state,
  data: '{}',
  started: new Date(0),
  finished: null,
})

describe('what a task does next follows from its journal', () => {
  test('an empty journal begins with the first step', () => {
    expect(decide(steps, [])).toEqual({ next: 'run', step: 'volume created', begun: undefined })
  })

  test('a step that a kill broke off is gone on with, under the ids it had chosen', () => {
    const begun = record('server created', 'started')
    expect(decide(steps, [record('volume created', 'done'), begun])).toEqual({
      next: 'run',
      step: 'server created',
      begun,
    })
  })

  test('a task whose steps are all done has ended well', () => {
    const journal = steps.map(({ name }) => record(name, 'done'))
    expect(decide(steps, journal)).toEqual({ next: 'end', state: 'done' })
  })

  test('a failure is told before anything is undone', () => {
    const failure = record(FAILURE, 'started')
    expect(decide(steps, [record('volume created', 'done'), failure])).toEqual({ next: 'report', failure })
  })

  test('after the report the steps that were begun are undone, last first', () => {
    const journal = [
      record('volume created', 'done'),
      record('server created', 'started'),
      record(FAILURE, 'done'),
    ]
    expect(decide(steps, journal)).toMatchObject({ next: 'undo', step: 'server created' })
    journal[1] = record('server created', 'undone')
    expect(decide(steps, journal)).toMatchObject({ next: 'undo', step: 'volume created' })
    journal[0] = record('volume created', 'undone')
    expect(decide(steps, journal)).toEqual({ next: 'end', state: 'failed' })
  })

  test('entries of steps that this version does not have are passed over', () => {
    expect(decide(steps, [record('dns entry created', 'started')])).toMatchObject({ step: 'volume created' })
    expect(decide(steps, [record('dns entry created', 'done'), record(FAILURE, 'done')])).toEqual({
      next: 'end',
      state: 'failed',
    })
  })
})

/** Plays a task to its end, killed at any moment: before a step's entry, after it, or after its end was written. */
function play(failsAt: number, kills: readonly boolean[]): { ends: Decision; made: string[] } {
  const journal: StepRecord[] = []
  const put = (entry: StepRecord) => {
    const at = journal.findIndex(({ name }) => name === entry.name)
    if (at < 0) journal.push(entry)
    else journal[at] = entry
  }
  const made = new Set<string>()
  let turn = 0
  const killed = () => kills[turn++ % Math.max(1, kills.length)] === true && turn < 200
  for (let round = 0; round < 500; round++) {
    const decision = decide(steps, journal)
    if (decision.next === 'end') return { ends: decision, made: [...made] }
    if (decision.next === 'report') {
      if (!killed()) put(record(FAILURE, 'done'))
      continue
    }
    if (decision.next === 'undo') {
      made.delete(decision.step)
      if (!killed()) put(record(decision.step, 'undone'))
      continue
    }
    if (killed()) continue
    put(record(decision.step, 'started'))
    if (killed()) continue
    if (steps.findIndex(({ name }) => name === decision.step) === failsAt) {
      // What a failing step made in part is there too.
      made.add(decision.step)
      put(record(FAILURE, 'started'))
      continue
    }
    made.add(decision.step)
    if (!killed()) put(record(decision.step, 'done'))
  }
  throw new Error('the task never ends')
}

test('however often it is killed, a task makes everything once, or leaves nothing that can be undone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1, max: steps.length - 1 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      (failsAt, kills) => {
        const { ends, made } = play(failsAt, [...kills, false])
        if (failsAt < 0) {
          expect(ends).toEqual({ next: 'end', state: 'done' })
          expect(made).toEqual(steps.map(({ name }) => name))
        } else {
          expect(ends).toEqual({ next: 'end', state: 'failed' })
          expect(made.filter((name) => name !== 'prepare sent')).toEqual([])
        }
      },
    ),
  )
})
