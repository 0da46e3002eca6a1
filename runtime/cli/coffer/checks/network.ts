import { createServer } from 'node:net'
import { isErrno } from '../../../../lib/errors.ts'
import { hubAddress, isEmbedded } from '../../../control/messages.ts'
import { runningPlane } from '../../../control/run-file.ts'
import type { Settings } from '../../../settings/types.ts'
import { type CheckResult, fail, ok } from './types.ts'

interface Door {
  readonly name: string
  readonly option: string
  readonly host: string
  readonly port: number
}

/** The addresses that the services will listen on. */
export function doorsOf(settings: Settings): readonly Door[] {
  const doors: Door[] = [
    { name: 'the API', option: 'bind_port', host: settings.bindHost, port: settings.bindPort },
  ]
  if (settings.authUrl === undefined) {
    const { identityBindHost: host, identityBindPort: port } = settings
    doors.push({ name: 'the identity', option: 'bind_port in [identity]', host, port })
  }
  if (isEmbedded(settings) && settings.qemu.network !== 'bridge') {
    doors.push({ name: 'the message hub', option: 'transport_url', ...hubAddress(settings) })
  }
  return doors
}

export async function checkPorts(settings: Settings): Promise<CheckResult> {
  const doors = doorsOf(settings)
  const text = doors.map(({ host, port }) => `${host}:${port}`).join(', ')
  if (runningPlane(settings.stateDir) !== undefined) return ok('ports', `${text}: ours`)
  const trouble: string[] = []
  let hint = ''
  for (const { name, option, host, port } of doors) {
    const reason = await cannotListen(host, port)
    if (reason === undefined) continue
    trouble.push(`${name} cannot listen on ${host}:${port} (${reason})`)
    if (hint === '')
      hint = `See what listens there with ss -ltnp, or choose another with the option ${option}.`
  }
  return trouble.length === 0 ? ok('ports', `${text}: free`) : fail('ports', trouble.join('; '), hint)
}

/** Each guest gets an address of its own below 127/8: not every kernel and container lets one listen there. */
export async function checkGuestRange(settings: Settings): Promise<CheckResult> {
  const { computeDriver, qemu } = settings
  if (computeDriver !== 'qemu') return ok('guest range', `not needed by the compute driver ${computeDriver}`)
  const { addressAt, parseRange, sizeOf } = await import('../../../compute/qemu/network/ipv4.ts')
  const range = parseRange(qemu.guestRange)
  if (qemu.network === 'bridge') return ok('guest range', `${qemu.guestRange}, on a bridge of its own`)
  for (const n of [2, sizeOf(range) - 2]) {
    const reason = await cannotListen(addressAt(range, n), 0)
    if (reason === undefined) continue
    return fail(
      'guest range',
      `no listening on ${addressAt(range, n)} of ${qemu.guestRange} (${reason})`,
      'Choose addresses of this machine, such as 127.77.0.0/16, with the option guest_range.',
    )
  }
  return ok('guest range', `${qemu.guestRange} can be listened on`)
}

/** Why a port cannot be listened on; undefined when it can. */
function cannotListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => {
      if (isErrno(error, 'EADDRINUSE')) resolve('something else does')
      else resolve(isErrno(error) ? (error.code ?? error.message) : error.message)
    })
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
