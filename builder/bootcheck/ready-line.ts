/**
 * The line a guest prints on its serial console when its database has answered a real query:
 * `coffer: <datastore> ready: <version text>`. The element `database-guest` prints it, {@link bootCheck} waits for it.
 */
export const READY_LINE = /(?:^|\s)coffer: (?<datastore>\S+) ready: (?<version>\S.*)$/

/** The ready line for a datastore, as the guest must print it. */
export function readyLine(datastore: string, version: string): string {
  return `coffer: ${datastore} ready: ${version}`
}
