import { CofferError } from '../../lib/errors.ts'

/** True when `--monitor json` was given. @throws CofferError `MONITOR_UNKNOWN` for any other word */
export function checkMonitor(value: string | undefined): boolean {
  if (value === undefined) return false
  if (value === 'json') return true
  throw new CofferError('MONITOR_UNKNOWN', `--monitor knows json, not '${value}'`, {
    hint: 'Use --monitor json.',
  })
}
