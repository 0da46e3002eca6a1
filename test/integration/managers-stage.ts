import { type ChildProcess, spawn } from 'node:child_process'
import { systemClock } from '../../lib/clock.ts'
import type { ManagerHost } from '../../runtime/guestagent/managers/host.ts'
import type { ServiceControl } from '../../runtime/guestagent/service/service-control.ts'
import { noVolume } from '../../runtime/guestagent/volume/volume-control.ts'
import { silentLog } from '../../runtime/transport/log.ts'

/** A real engine as a child process in place of systemd's unit. */
export function childService(
  argv: readonly [string, ...string[]],
  options: { readonly uid?: number; readonly gid?: number; readonly stop?: NodeJS.Signals } = {},
): ServiceControl & { readonly output: () => string } {
  const [file, ...args] = argv
  let child: ChildProcess | undefined
  let output = ''
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null
  return {
    output: () => output,
    async start() {
      if (running()) return
      const { uid, gid } = options
      const started = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      })
      for (const stream of [started.stdout, started.stderr]) {
        stream?.on('data', (data) => {
          output = `${output}${data}`.slice(-20_000)
        })
      }
      child = started
    },
    async stop() {
      const ending = child
      if (!running() || ending === undefined) return
      const gone = new Promise((resolve) => ending.once('exit', resolve))
      ending.kill(options.stop ?? 'SIGTERM')
      await gone
    },
    permit: async () => undefined,
    async state() {
      const failed = child !== undefined && !running() && child.exitCode !== 0
      return {
        active: running() ? 'active' : failed ? 'failed' : 'inactive',
        sub: '',
        mainPid: running() ? (child?.pid ?? 0) : 0,
      }
    },
    lastWords: async () => output.trim().split('\n').at(-1) ?? '',
  }
}

/** What stands in for the guest around a manager: everything but the engine and the agent's own code. */
export const stageHost = (service: ServiceControl): ManagerHost => ({
  guestId: 'a-guest',
  unit: 'engine.service',
  service,
  volume: noVolume,
  clock: systemClock,
  log: silentLog,
})
