import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../lib/errors.ts'
import { writeAtomically } from '../../../lib/write-atomically.ts'

/** What goes wrong, as a test asks for it. */
export interface Faults {
  /** refuse: the request fails. error: the volume turns to error. */
  readonly volume?: 'refuse' | 'error'
  /** refuse: the request fails. stuck: it never gets past BUILD. error: it turns to ERROR. dies: it runs, then stops. */
  readonly server?: 'refuse' | 'stuck' | 'error' | 'dies'
  /** Deletes fail as long as this stands. */
  readonly deletes?: 'refuse'
  /** silent: no agent ever starts. fails: the agent cannot set the database up. slow: it takes a second over it. */
  readonly guest?: 'silent' | 'fails' | 'slow'
}

const FILE = 'faults.json'

/** Sets what goes wrong from now on, for an instance id or for all (`*`), in every process that uses the directory. */
export async function setFaults(directory: string, faults: Readonly<Record<string, Faults>>): Promise<void> {
  await writeAtomically(join(directory, FILE), JSON.stringify(faults), 0o600)
}

/** What goes wrong with an instance now. */
export async function faultsOf(directory: string, instanceId: string): Promise<Faults> {
  try {
    const all = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as Record<string, Faults>
    return { ...all['*'], ...all[instanceId] }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return {}
    throw error
  }
}
