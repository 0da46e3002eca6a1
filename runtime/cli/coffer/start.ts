import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { run } from '../../../lib/exec.ts'
import { isRunning } from '../../../lib/process-id.ts'
import { type RunState, readRunFile, runFileOf } from '../../control/run-file.ts'
import type { Settings } from '../../settings/types.ts'
import { answers } from './http.ts'
import { environmentFor } from './settings.ts'
import { waitFor } from './wait.ts'

const LAUNCH = new URL('../../control/launch', import.meta.url).pathname

/** Variables of the caller that the services get; others, such as OS_PASSWORD, are not their business. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|NODE_EXTRA_CA_CERTS|NODE_COMPILE_CACHE|COFFER_\w+|TROVE_\w+)$/

/** What the process prints before its log is open, and anything that breaks it. */
export const errorFileOf = (stateDir: string): string => join(stateDir, 'log', 'coffer.err')

/**
 * Starts the control plane as a process of its own session, which the end of this terminal does not touch, and waits until
 * it answers.
 *
 * @param onStep told each step as the control plane names it
 * @throws CofferError START_FAILED, or the control plane's own error; WAIT_TIMED_OUT
 */
export async function startDetached(
  settings: Settings,
  clock: Clock,
  onStep: (step: string) => void,
): Promise<RunState> {
  const { stateDir } = settings
  const errors = errorFileOf(stateDir)
  await rm(runFileOf(stateDir), { force: true })
  const env = Object.fromEntries(
    Object.entries(environmentFor(stateDir)).filter(([name]) => PASSED_ON.test(name)),
  )
  // The shell opens the file; names are its arguments, not its program.
  await run(
    [
      '/bin/sh',
      '-c',
      'umask 077; exec setsid --fork "$@" </dev/null >"$0" 2>&1',
      errors,
      LAUNCH,
      'run-program.ts',
      'coffer',
    ],
    { env, cwd: '/', timeoutMs: 20_000 },
  )
  const hint = `See coffer logs, and ${errors}.`
  let said = ''
  const state = await waitFor(
    {
      what: 'the services to start',
      deadlineMs: 90_000,
      hint,
      async probe() {
        const now = readRunFile(stateDir)
        if (now === undefined) {
          await failedEarly(errors)
          return undefined
        }
        if (now.state === 'failed')
          throw new CofferError(now.code ?? 'START_FAILED', now.step, { hint: now.hint ?? hint })
        if (!isRunning(now.process))
          throw new CofferError('START_FAILED', `The services ended while ${now.step}`, { hint })
        if (now.step !== said) onStep(now.step)
        said = now.step
        return now.state === 'running' ? now : undefined
      },
    },
    clock,
  )
  for (const name of ['identity', 'database']) {
    const url = state.endpoints?.[name]
    if (url === undefined) continue
    const probe = async () => (await answers(url.replace(/\/v1\.0$/, '/'))) || undefined
    await waitFor({ what: `the ${name} at ${url} to answer`, deadlineMs: 15_000, hint, probe }, clock)
  }
  return state
}

/** A process that ended before it could say anything of itself left its words in the file. */
async function failedEarly(errors: string): Promise<void> {
  const text = (await readFile(errors, 'utf8').catch(() => '')).trim()
  const [first = '', second = ''] = text.split('\nhint: ')
  if (text === '' || /Warning:/.test(first)) return
  throw new CofferError('START_FAILED', `The services could not start: ${first}`, {
    hint: second === '' ? `See ${errors}.` : second,
  })
}
