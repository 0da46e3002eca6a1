import type { Clock } from '../../../../lib/clock.ts'
import { CofferError } from '../../../../lib/errors.ts'
import type { GlobalSettings } from '../arguments/settings.ts'
import { sessionOptions } from './credentials.ts'
import { debugLines } from './debug.ts'
import { openHttp } from './http.ts'
import { openSession } from './session.ts'
import type { Service } from './types.ts'

/** What opening needs of the surroundings. */
export interface OpenDeps {
  readonly clock: Clock
  readonly stderr: (text: string) => void
  readonly askPassword?: () => Promise<string>
}

/** Seconds for one request, unless `--timeout` says otherwise. */
const TIMEOUT = 600

/**
 * The service that options and environment name; nothing is sent yet.
 *
 * @throws CofferError see {@link sessionOptions}; `VALUE_INVALID` for a time or a number of retries
 */
export async function openService(settings: GlobalSettings, deps: OpenDeps): Promise<Service> {
  const options = await sessionOptions(settings, deps.askPassword)
  const http = openHttp({
    insecure: settings.flag('insecure'),
    caFile: settings.text('os_cacert'),
    certFile: settings.text('os_cert'),
    keyFile: settings.text('os_key'),
    timeout: numberOf(settings, 'timeout', TIMEOUT, 'a number of seconds'),
    retries: numberOf(settings, 'retries', 0, 'a number of times'),
    clock: deps.clock,
    debug: settings.flag('debug') ? debugLines((line) => deps.stderr(`${line}\n`)) : undefined,
  })
  return openSession(http, options)
}

function numberOf(settings: GlobalSettings, name: string, otherwise: number, kind: string): number {
  const given = settings.text(name)
  const value = given === undefined ? otherwise : Number(given)
  const usable = Number.isFinite(value) && value >= 0 && value <= 1e6
  // A time of nothing would be the end of every request.
  if (usable && (value > 0 || name !== 'timeout')) return value
  throw new CofferError('VALUE_INVALID', `--${name}: '${given}' is not ${kind}`)
}
