import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../lib/errors.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'
import type { SeenJournal } from '../rpc/types.ts'

/** Where the agent keeps what it must know after a restart. */
export const STATE_DIRECTORY = '/var/lib/coffer/agent'

/** Finished messages that are remembered; a copy of an older one would have had to wait for days. */
const REMEMBERED = 256

/** How far the guest has come. */
export type Installation =
  | { readonly stage: 'new' }
  | { readonly stage: 'preparing' }
  | { readonly stage: 'prepared' }
  | { readonly stage: 'failed'; readonly reason: string }

interface Saved {
  readonly installation: Installation
  /** Messages that were carried out to their end, oldest first. */
  readonly finished: readonly string[]
}

/** What outlives the agent's process. Every change is on the disk when its promise resolves. */
export interface AgentState {
  readonly installation: () => Installation
  readonly setInstallation: (installation: Installation) => Promise<void>
  /** Casts that were carried out: a copy that arrives after a restart is known by it. */
  readonly seen: SeenJournal
}

/** Reads the state, or starts a new one. A file that is not readable as state is an error, not a new guest. */
export async function openState(directory: string): Promise<AgentState> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'state.json')
  let saved = await read(path)
  let writing: Promise<void> = Promise.resolve()
  const save = (next: Saved): Promise<void> => {
    saved = next
    const write = () => writeAtomically(path, `${JSON.stringify(next)}\n`, 0o600)
    // A disk that was full once must not keep later states from being written.
    writing = writing.then(write, write)
    return writing
  }
  return {
    installation: () => saved.installation,
    setInstallation: (installation) => save({ ...saved, installation }),
    seen: {
      has: async (key) => saved.finished.includes(key),
      add: (key) => save({ ...saved, finished: [...saved.finished, key].slice(-REMEMBERED) }),
    },
  }
}

async function read(path: string): Promise<Saved> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Saved
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { installation: { stage: 'new' }, finished: [] }
    throw error
  }
}
