import type { Clock } from '../../../../lib/clock.ts'
import type { Reporter } from '../../../../runtime/guestagent/reporter.ts'
import type { AgentState, Installation } from '../../../../runtime/guestagent/state.ts'
import type { DatastoreManager } from '../../../../runtime/guestagent/types.ts'

/** A manager that notes what it is asked; `own` replaces parts of it. */
export function notingManager(own: Partial<DatastoreManager> = {}) {
  const asked: string[] = []
  const note =
    (what: string) =>
    async (...args: readonly unknown[]): Promise<void> => {
      asked.push(args.length === 0 ? what : `${what} ${JSON.stringify(args)}`)
    }
  const manager: DatastoreManager = {
    name: 'noting',
    dataPath: '/',
    prepare: async () => note('prepare')(),
    start: note('start'),
    stop: note('stop'),
    restart: note('restart'),
    status: async () => 'running',
    ...own,
  }
  return { manager, asked, note }
}

/** State that is kept in memory only. */
export function memoryState(first: Installation = { stage: 'new' }): AgentState {
  let installation = first
  const seen = new Set<string>()
  return {
    installation: () => installation,
    setInstallation: async (next) => {
      installation = next
    },
    seen: {
      has: async (key) => seen.has(key),
      add: async (key) => {
        seen.add(key)
      },
    },
  }
}

/** A reporter that notes the words that it would send. */
export function notingReporter(observed = 'running') {
  const told: string[] = []
  const reporter: Reporter = {
    tell: async ({ status, reason }) => {
      told.push(reason === undefined ? status : `${status}: ${reason}`)
    },
    look: async () => {
      told.push(observed)
    },
    during: (action) => action(),
    stop: () => undefined,
  }
  return { reporter, told }
}

/** A clock whose sleeps last until somebody calls `tick`. */
export function steppedClock() {
  const sleepers: (() => void)[] = []
  const clock: Clock = {
    now: () => new Date(0),
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
  }
  const tick = async () => {
    for (const wake of sleepers.splice(0)) wake()
    for (let n = 0; n < 20; n++) await Promise.resolve()
  }
  return { clock, tick }
}
