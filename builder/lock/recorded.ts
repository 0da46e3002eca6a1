import { appendFile, readFile } from 'node:fs/promises'

/** Beginning of the names of directories with records: by it is swept what a killed build leaves. */
export const INPUTS_DIRECTORY = 'coffer-inputs'

/** Something that a script outside of the chroot took from elsewhere than a package archive. */
export type Recorded =
  | { readonly kind: 'file'; readonly url: string; readonly sha256: string; readonly size: number }
  | {
      readonly kind: 'source'
      readonly name: string
      readonly location: string
      readonly ref: string
      readonly revision: string
    }
  /** What the root element builds; it may have defaults of its own. */
  | { readonly kind: 'system'; readonly distribution: string; readonly release: string }

/** Adds to the record of a build: a line of JSON, written at once, so that scripts may do it side by side. */
export async function appendRecorded(file: string, recorded: Recorded): Promise<void> {
  await appendFile(file, `${JSON.stringify(recorded)}\n`)
}

/** The record of a build so far, in order. */
export async function readRecorded(file: string): Promise<Recorded[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded)
}

/**
 * An address as it may be kept: without user, password, query and fragment, where tokens travel. The user of an ssh address
 * is no secret, and needed. What is no URL with a host (a path, `host:path` of ssh) stays as it is.
 */
export function withoutCredentials(address: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(address) || !URL.canParse(address)) return address
  const url = new URL(address)
  if (url.protocol !== 'ssh:') url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
