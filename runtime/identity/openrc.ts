import { readFile } from 'node:fs/promises'
import { isErrno } from '../../lib/errors.ts'
import { quoteWord } from '../../lib/quote.ts'
import { writeAtomically } from '../../lib/write-atomically.ts'

/** What an `openrc` sets. */
export interface OpenrcValues {
  /** Ends in `/v3`. */
  readonly authUrl: string
  readonly region: string
  readonly user: string
  readonly password: string
  readonly project: string
}

/** The text of an `openrc`: the variables of the book's Table B-2 and those of Keystone v3. */
export function openrcText(values: OpenrcValues): string {
  const lines: readonly (readonly [string, string])[] = [
    ['OS_AUTH_URL', values.authUrl],
    ['OS_IDENTITY_API_VERSION', '3'],
    ['OS_USERNAME', values.user],
    ['OS_PASSWORD', values.password],
    ['OS_PROJECT_NAME', values.project],
    ['OS_TENANT_NAME', values.project],
    ['OS_USER_DOMAIN_ID', 'default'],
    ['OS_PROJECT_DOMAIN_ID', 'default'],
    ['OS_REGION_NAME', values.region],
  ]
  return [
    '# For trove, openstack and curl:  . ./openrc',
    ...lines.map(([name, value]) => `export ${name}=${quoteWord(value)}`),
    '',
  ].join('\n')
}

/** Writes an `openrc`, readable by its owner only. */
export const writeOpenrc = (file: string, values: OpenrcValues): Promise<void> =>
  writeAtomically(file, openrcText(values), 0o600)

/**
 * Brings the address and the region of an `openrc` up to date, leaving all else as its owner has it.
 *
 * @returns false when there is no such file: nothing can write it again, for the password is not kept
 */
export async function refreshOpenrc(file: string, authUrl: string, region: string): Promise<boolean> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
  const fresh = text
    .replace(/^export OS_AUTH_URL=.*$/m, () => `export OS_AUTH_URL=${quoteWord(authUrl)}`)
    .replace(/^export OS_REGION_NAME=.*$/m, () => `export OS_REGION_NAME=${quoteWord(region)}`)
  if (fresh !== text) await writeAtomically(file, fresh, 0o600)
  return true
}
