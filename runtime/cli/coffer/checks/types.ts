/** What one check of the machine found. */
export interface CheckResult {
  /** One word. */
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly sentence: string
  /** What to do about it. */
  readonly hint?: string
}

/** A check never throws: what it cannot find out is a result too. */
export type Check = () => Promise<CheckResult>

export const ok = (name: string, sentence: string): CheckResult => ({ name, state: 'ok', sentence })
export const warn = (name: string, sentence: string, hint: string): CheckResult => ({
  name,
  state: 'warn',
  sentence,
  hint,
})
export const fail = (name: string, sentence: string, hint: string): CheckResult => ({
  name,
  state: 'fail',
  sentence,
  hint,
})
