import type { Settings } from '../settings/types.ts'
import { isEmbedded } from './messages.ts'

/** The parts of the control plane that a process may run. */
export type ServiceName = 'hub' | 'identity' | 'conductor' | 'taskmanager' | 'api'

/**
 * The programs and what each runs. What one machine has only once, the hub and the identity, goes with the API. Any number
 * of task managers and conductors may run beside it.
 */
export const PROGRAMS = {
  coffer: ['hub', 'identity', 'conductor', 'taskmanager', 'api'],
  'trove-api': ['hub', 'identity', 'api'],
  'trove-taskmanager': ['taskmanager'],
  'trove-conductor': ['conductor'],
} as const satisfies Record<string, readonly ServiceName[]>

export type ProgramName = keyof typeof PROGRAMS

/** The services that a program runs under these settings: no hub beside RabbitMQ, no identity beside a real Keystone. */
export function servicesOf(
  program: ProgramName,
  settings: Pick<Settings, 'transportUrl' | 'authUrl'>,
): ReadonlySet<ServiceName> {
  const wanted: readonly ServiceName[] = PROGRAMS[program]
  return new Set(
    wanted.filter(
      (service) =>
        (service !== 'hub' || isEmbedded(settings)) &&
        (service !== 'identity' || settings.authUrl === undefined),
    ),
  )
}
