import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { closeServer } from '../../lib/close-server.ts'
import { listenError } from '../../lib/listen-error.ts'
import type { Settings } from '../settings/types.ts'
import { openAuthority } from './authority.ts'
import { embeddedValidator } from './embedded.ts'
import { endpointsFor } from './endpoints.ts'
import { firstStart } from './first-start.ts'
import { refreshOpenrc, writeOpenrc } from './openrc.ts'
import { buildIdentityService } from './service/index.ts'
import { openIdentityStore } from './store.ts'
import { tokenSigner } from './tokens.ts'
import type { TokenValidator } from './types.ts'

/** Keystone's own default. */
const TOKEN_LIFETIME_MS = 3600_000

/** The part of a pino logger that the identity uses. */
interface IdentityLog {
  readonly info: (data: object, message: string) => void
  readonly warn: (data: object, message: string) => void
  readonly error: (data: object, message: string) => void
}

/** The embedded identity, listening. */
export interface RunningIdentity {
  readonly validator: TokenValidator
  /** Ends in `/v3`. */
  readonly authUrl: string
  /** Where the `openrc` of the administrator is. */
  readonly openrc: string
  readonly stop: () => Promise<void>
}

/**
 * Starts the embedded identity: users and projects from `identity.json` in the state directory, Keystone's API on
 * the address of the section [identity]. The first start makes the administrator and writes `openrc`.
 *
 * @param key the control plane's secret key
 * @throws CofferError IDENTITY_FILE_DAMAGED, PORT_TAKEN
 */
export async function startIdentity(deps: {
  readonly settings: Settings
  readonly key: Buffer
  readonly clock: Clock
  readonly log: IdentityLog
}): Promise<RunningIdentity> {
  const { settings, clock, log } = deps
  await mkdir(settings.stateDir, { recursive: true, mode: 0o700 })
  const store = await openIdentityStore(join(settings.stateDir, 'identity.json'))
  const authority = openAuthority({
    store,
    signer: tokenSigner(deps.key),
    clock,
    lifetimeMs: TOKEN_LIFETIME_MS,
  })
  const app = buildIdentityService({
    store,
    authority,
    endpoints: (host) => endpointsFor(settings, host),
    adminRoles: settings.adminRoles,
    clock,
    log,
  })
  const authUrl = `${endpointsFor(settings).identity}/v3`
  const openrc = join(settings.stateDir, 'openrc')
  const { region } = settings
  const first = await firstStart(store, (password) =>
    writeOpenrc(openrc, { authUrl, region, user: 'admin', password, project: 'admin' }),
  )
  if (first) log.info({ openrc }, 'The administrator was created')
  else if (!(await refreshOpenrc(openrc, authUrl, region))) {
    log.warn({ openrc }, 'The openrc is gone, and its password is kept nowhere else')
  }
  const address = { host: settings.identityBindHost, port: settings.identityBindPort }
  try {
    await app.listen(address)
  } catch (error) {
    await app.close()
    throw listenError(error, 'The identity', address, 'bind_port in [identity]')
  }
  return {
    validator: embeddedValidator(authority, settings.adminRoles),
    authUrl,
    openrc,
    stop: () => closeServer(app),
  }
}

export { keystoneValidator } from './keystone.ts'
