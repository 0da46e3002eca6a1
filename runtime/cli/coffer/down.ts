import { createInterface } from 'node:readline/promises'
import { systemClock } from '../../../lib/clock.ts'
import { CofferError } from '../../../lib/errors.ts'
import { isRunning } from '../../../lib/process-id.ts'
import { runningPlane } from '../../control/run-file.ts'
import { requireSafeStateDirectory } from '../../control/state-directory.ts'
import { purge } from './purge.ts'
import { cofferSettings } from './settings.ts'
import { waitFor } from './wait.ts'

/** An orderly stop gives up after 25 s by itself. */
const STOP_MS = 35_000

export interface DownOptions {
  readonly stateDir: string | undefined
  readonly purge: boolean
  readonly yes: boolean
}

/** `coffer down`. @returns the exit status */
export async function down(options: DownOptions): Promise<number> {
  const settings = await cofferSettings(options.stateDir)
  await requireSafeStateDirectory(settings.stateDir)
  if (options.purge && !options.yes && !(await confirmed(settings.stateDir))) {
    process.stdout.write('Nothing was changed.\n')
    return 1
  }
  const running = runningPlane(settings.stateDir)
  if (running === undefined) process.stdout.write('The service does not run.\n')
  else {
    process.kill(running.process.pid, 'SIGTERM')
    await waitFor(
      {
        what: `process ${running.process.pid} to end`,
        deadlineMs: STOP_MS,
        hint: `See coffer logs. kill -9 ${running.process.pid} ends it without ceremony; nothing is lost by that.`,
        probe: async () => (isRunning(running.process) ? undefined : true),
      },
      systemClock,
    )
    process.stdout.write('The service is stopped.\n')
  }
  if (options.purge) {
    const { servers, volumes } = await purge(settings)
    process.stdout.write(
      `Deleted: ${servers} instances, ${volumes} volumes and the state in ${settings.stateDir}.\n`,
    )
    process.stdout.write('Kept: images and trove.conf.\n')
  } else if (running !== undefined) {
    process.stdout.write('Database instances go on running; coffer up takes them over again.\n')
  }
  return 0
}

async function confirmed(stateDir: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new CofferError(
      'CONFIRMATION_NEEDED',
      'coffer down --purge deletes all instances with their data',
      {
        hint: 'Say --yes if that is meant.',
        exitCode: 2,
      },
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = await terminal.question(
      `This deletes all database instances of ${stateDir} with their data. Type yes to go on: `,
    )
    return answer.trim() === 'yes'
  } finally {
    terminal.close()
  }
}
