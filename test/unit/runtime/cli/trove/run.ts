import type { Clock } from '../../../../../lib/clock.ts'
import { runTrove } from '../../../../../runtime/cli/trove/program.ts'
import { PASSWORD } from './canned-service.ts'

/** What a run of `trove` printed and how it ended. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A clock whose sleeps take no time but pass. */
export function quickClock(): Clock {
  let now = Date.parse('2026-01-01T00:00:00Z')
  return {
    now: () => new Date(now),
    sleep: async (ms) => {
      now += ms
    },
  }
}

/** The variables that `openrc` sets for a service. */
export function openrc(url: string): Record<string, string> {
  return {
    OS_USERNAME: 'admin',
    OS_PASSWORD: PASSWORD,
    OS_PROJECT_NAME: 'admin',
    OS_AUTH_URL: `${url}/v3`,
    OS_REGION_NAME: 'RegionOne',
  }
}

/** Runs `trove` inside this process, 78 columns wide. A command line is divided at blanks; an array is taken as it is. */
export async function trove(
  line: string | readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  more: { readonly terminal?: boolean; readonly askPassword?: () => Promise<string> } = {},
): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const code = await runTrove(typeof line === 'string' ? line.split(' ') : line, {
    env,
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    terminal: false,
    width: 78,
    clock: quickClock(),
    ...more,
  })
  return { code, stdout, stderr }
}
