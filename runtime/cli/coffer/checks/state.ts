import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../../lib/errors.ts'
import { runningPlane } from '../../../control/run-file.ts'
import type { Settings } from '../../../settings/types.ts'
import { databaseExists } from '../database.ts'
import { answers } from '../http.ts'
import { nearest } from './nearest.ts'
import { type CheckResult, fail, ok, warn } from './types.ts'

export async function checkStateDir({ stateDir }: Settings): Promise<CheckResult> {
  const there = await nearest(stateDir)
  try {
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const reason = isErrno(error) ? error.code : String(error)
    return fail(
      'state',
      `${stateDir} cannot be written (${reason})`,
      'Run as its owner, or choose another directory with COFFER_STATE_DIR.',
    )
  }
  if (there !== stateDir) return ok('state', `${stateDir}: made at the first start`)
  const { mode } = await stat(stateDir)
  return (mode & 0o022) === 0
    ? ok('state', stateDir)
    : fail('state', `other accounts may write in ${stateDir}`, `chmod go-w ${stateDir}`)
}

/** Files whose readers could act as the service or its administrator. */
export async function checkSecrets({ stateDir }: Settings): Promise<CheckResult> {
  const open: string[] = []
  for (const name of ['secret.key', 'identity.json', 'openrc', 'trove.conf', 'trove.sqlite']) {
    const file = join(stateDir, name)
    const mode = await stat(file).then(
      (found) => found.mode,
      () => 0,
    )
    if ((mode & 0o077) !== 0) open.push(file)
  }
  if (open.length === 0) return ok('secrets', 'closed to other accounts')
  return warn('secrets', `other accounts may read ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`)
}

export async function checkDatabase({ databaseUrl }: Settings): Promise<CheckResult> {
  const { withoutPassword } = await import('../../../../lib/sql/url.ts')
  const name = withoutPassword(databaseUrl)
  if (!(await databaseExists(databaseUrl))) {
    return ok('database', `${name}: made at the first start`)
  }
  const { openDatabase } = await import('../../../db/index.ts')
  const db = await openDatabase(databaseUrl)
  try {
    const living = await db.instances.living()
    return ok('database', `${name}: up to date, ${living.length} instances`)
  } finally {
    await db.close()
  }
}

export async function checkImages({ stateDir, databaseUrl }: Settings): Promise<CheckResult> {
  const { openImageStore } = await import('../../../../registry/images/store.ts')
  const images = await openImageStore(join(stateDir, 'images')).list()
  if (!(await databaseExists(databaseUrl))) return judgeImages([], [])
  const { openRegistryDatabase } = await import('../../../../registry/db/index.ts')
  const registry = await openRegistryDatabase(databaseUrl)
  try {
    const versions = (await registry.datastores.allVersions()).filter(({ active }) => active)
    return judgeImages(
      images.map(({ id }) => id),
      versions.map(({ datastore_name, name, image_id }) => ({
        version: `${datastore_name} ${name}`,
        image: image_id,
      })),
    )
  } finally {
    await registry.close()
  }
}

/** Every active datastore version needs its image. */
export function judgeImages(
  images: readonly string[],
  versions: readonly { readonly version: string; readonly image: string }[],
): CheckResult {
  if (versions.length === 0) {
    return warn('images', 'no datastore version is registered', 'build-image mysql --register')
  }
  const lacking = versions.filter(({ image }) => !images.includes(image)).map(({ version }) => version)
  if (lacking.length === 0)
    return ok('images', `${images.length} images, ${versions.length} datastore versions`)
  return fail(
    'images',
    `the image is missing for ${lacking.join(', ')}`,
    'Register the version anew: build-image DATASTORE --register',
  )
}

export async function checkIdentity(settings: Settings): Promise<CheckResult> {
  const plane = runningPlane(settings.stateDir)
  const url = settings.authUrl ?? plane?.endpoints?.identity
  if (url === undefined) return ok('identity', 'the service does not run')
  return (await answers(url))
    ? ok('identity', `${url} answers`)
    : fail(
        'identity',
        `${url} does not answer`,
        'See coffer logs identity; a Keystone of yours must run there.',
      )
}
