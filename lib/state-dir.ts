import { join, resolve } from 'node:path'

/**
 * Where one machine keeps everything: database, images, instances, sockets, logs. COFFER_STATE_DIR names it; else
 * /var/lib/coffer for root and `$XDG_STATE_HOME/coffer` (`~/.local/state/coffer`) for others.
 *
 * @param env the process environment
 * @param uid of the process
 */
export function stateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  uid: number = process.getuid?.() ?? 0,
): string {
  const own = env.COFFER_STATE_DIR
  if (own !== undefined && own !== '') return resolve(own)
  if (uid === 0) return '/var/lib/coffer'
  // The XDG rules: a relative path there is to be ignored.
  const base =
    env.XDG_STATE_HOME?.startsWith('/') === true ? env.XDG_STATE_HOME : join(env.HOME ?? '/', '.local/state')
  return join(base, 'coffer')
}
