import type { Settings } from '../../settings/types.ts'

/** The environment of the services: the caller's, with the state directory that was named. */
export const environmentFor = (stateDir: string | undefined): NodeJS.ProcessEnv =>
  stateDir === undefined ? process.env : { ...process.env, COFFER_STATE_DIR: stateDir }

/** The settings that the services have, or would have if they were started now. */
export async function cofferSettings(stateDir: string | undefined): Promise<Settings> {
  const { loadSettings } = await import('../../settings/index.ts')
  return loadSettings({ argv: [], env: environmentFor(stateDir) })
}
