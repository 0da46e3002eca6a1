import { allChecks, type CheckResult } from './checks/index.ts'
import { cofferSettings } from './settings.ts'

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const

/** `coffer doctor`. @returns 0 when nothing failed, else 1 */
export async function doctor(options: {
  readonly stateDir: string | undefined
  readonly json: boolean
}): Promise<number> {
  const settings = await cofferSettings(options.stateDir)
  const results: CheckResult[] = []
  for (const check of allChecks(settings)) {
    const result = await check()
    results.push(result)
    if (!options.json) process.stdout.write(doctorLine(result))
  }
  const failed = results.some(({ state }) => state === 'fail')
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: !failed, checks: results }, null, 2)}\n`)
  return failed ? 1 : 0
}

/** A check for a person; the hint only where something can be done. */
export function doctorLine({ name, state, sentence, hint }: CheckResult): string {
  const line = `${MARKS[state]}  ${name.padEnd(14)} ${sentence}\n`
  return state === 'ok' || hint === undefined ? line : `${line}      hint: ${hint}\n`
}
