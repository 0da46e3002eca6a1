import type { StepRecord } from '../../db/types.ts'

/** Journal entry that turns a flow round: from here on it is undone. Its data is the Failure. */
export const FAILURE = 'failure'

/** What the planner needs to know of a step. */
export interface PlannedStep {
  readonly name: string
  readonly undoable: boolean
}

/** What comes next for a task. */
export type Decision =
  /** Begin a step, or go on with one that was begun before (`begun`). */
  | { readonly next: 'run'; readonly step: string; readonly begun: StepRecord | undefined }
  /** Tell of the failure: the journal has it, but the user may not know yet. */
  | { readonly next: 'report'; readonly failure: StepRecord }
  | { readonly next: 'undo'; readonly step: string; readonly begun: StepRecord }
  | { readonly next: 'end'; readonly state: 'done' | 'failed' }

/**
 * Decides what a task does next from its journal alone, so that whoever holds the task decides alike.
 *
 * Forward: the first step in the flow's order that is not done. Once a failure is in the journal: the report, then the
 * undo of every step that was begun, last first. Steps of the journal that the flow no longer has are passed over.
 */
export function decide(steps: readonly PlannedStep[], journal: readonly StepRecord[]): Decision {
  const records = new Map(journal.map((record) => [record.name, record]))
  const failure = records.get(FAILURE)
  if (failure === undefined) {
    const step = steps.find(({ name }) => records.get(name)?.state !== 'done')
    if (step === undefined) return { next: 'end', state: 'done' }
    return { next: 'run', step: step.name, begun: records.get(step.name) }
  }
  if (failure.state !== 'done') return { next: 'report', failure }
  for (const { name, undoable } of steps.toReversed()) {
    const begun = records.get(name)
    if (begun !== undefined && undoable && begun.state !== 'undone')
      return { next: 'undo', step: name, begun }
  }
  return { next: 'end', state: 'failed' }
}
