import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { isRunning } from '../../lib/process-id.ts'
import { removeTree } from '../../lib/tree.ts'
import { openRegistryDatabase } from '../../registry/db/index.ts'
import { openImageStore } from '../../registry/images/store.ts'
import { startFleet } from '../../runtime/compute/fake/guests.ts'
import { readRunFile } from '../../runtime/control/run-file.ts'
import { silentLog } from '../../runtime/transport/log.ts'
import { freePort } from '../free-ports.ts'

const BIN = new URL('../../runtime/bin/', import.meta.url).pathname

/** A state directory with ports of its own and the fake compute driver, and what a person does with it. */
export interface Place {
  readonly stateDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly ports: { readonly api: number; readonly identity: number; readonly hub: number }
  /** Runs a program of runtime/bin. */
  readonly ours: (program: string, ...args: string[]) => Promise<Ended>
  /** Runs Debian's openstack client with the openrc of the service. */
  readonly openstack: (...args: string[]) => Promise<Ended>
  /** Runs a database client's command and reads its `-f json`. */
  readonly json: <T>(...args: string[]) => Promise<T>
  /** Registers a datastore version with an image, as build-image --register does. */
  readonly register: (datastore: string, version: string) => Promise<void>
  /** Plays the guests of the fake servers until the test ends. */
  readonly playGuests: () => Promise<void>
}

interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Makes a place; at the end of the test its control plane is stopped and all is deleted. */
export async function controlPlace(): Promise<Place> {
  const stateDir = await mkdtemp(join(tmpdir(), 'coffer-control-'))
  onTestFinished(() => removeTree(stateDir))
  const [api, identity, hub] = [await freePort(), await freePort(), await freePort()]
  await writeFile(
    join(stateDir, 'trove.conf'),
    `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${api}
transport_url = embedded://127.0.0.1:${hub}
report_interval = 1
[coffer]
compute_driver = fake
[identity]
bind_host = 127.0.0.1
bind_port = ${identity}
`,
    { mode: 0o600 },
  )
  const env = { PATH: '/usr/bin:/bin', HOME: stateDir, LANG: 'C.UTF-8', COFFER_STATE_DIR: stateDir }
  onTestFinished(() => endControlPlane(stateDir))
  const ended = async (argv: readonly [string, ...string[]], more: Readonly<Record<string, string>> = {}) => {
    const { stdout, stderr, exitCode } = await run(argv, {
      check: false,
      env: { ...env, ...more },
      timeoutMs: 120_000,
    })
    return { stdout, stderr, exitCode }
  }
  const openstack = async (...args: string[]) =>
    ended(['openstack', ...args], await readOpenrc(join(stateDir, 'openrc')))
  return {
    stateDir,
    env,
    ports: { api, identity, hub },
    ours: (program, ...args) => ended([join(BIN, program), ...args]),
    openstack,
    async json<T>(...args: string[]) {
      const { stdout, stderr, exitCode } = await openstack(...args, '-f', 'json')
      if (exitCode !== 0) throw new Error(`openstack ${args.join(' ')}: ${stderr}`)
      return JSON.parse(stdout) as T
    },
    register: (datastore, version) => register(stateDir, datastore, version),
    async playGuests() {
      const directory = join(stateDir, 'fake-compute')
      await mkdir(directory, { recursive: true })
      const fleet = await startFleet({ directory, clock: systemClock, log: silentLog })
      onTestFinished(() => fleet.stop())
    },
  }
}

/** The variables that an openrc exports, as a shell reads them. */
export async function readOpenrc(file: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await run(['sh', '-c', '. "$0" && env', file], { env: { PATH: '/usr/bin:/bin' } })
  const lines = stdout.split('\n').filter((line) => line.startsWith('OS_'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

/** Asks until the answer passes. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  passes: (answer: T) => boolean,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    const answer = await ask()
    if (passes(answer)) return answer
    if (tries > 60) throw new Error(`${what} did not come: ${JSON.stringify(answer)}`)
    await systemClock.sleep(500)
  }
}

async function register(stateDir: string, datastore: string, version: string): Promise<void> {
  const file = join(stateDir, `${datastore}.qcow2`)
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', file, '10M'])
  const images = openImageStore(join(stateDir, 'images'))
  const image = await images.put(file, { name: datastore })
  const registry = await openRegistryDatabase(`sqlite://${join(stateDir, 'trove.sqlite')}`)
  try {
    await registry.datastores.putDatastore(datastore)
    await registry.datastores.putVersion({
      datastore,
      name: version,
      manager: datastore,
      image_id: image.id,
      packages: '',
      active: true,
    })
    await registry.datastores.putDatastore(datastore, version)
  } finally {
    await registry.close()
  }
}

async function endControlPlane(stateDir: string): Promise<void> {
  const state = readRunFile(stateDir)
  if (state === undefined || !isRunning(state.process)) return
  process.kill(state.process.pid, 'SIGTERM')
  while (isRunning(state.process)) await systemClock.sleep(50)
}

export const readLog = (stateDir: string): Promise<string> =>
  readFile(join(stateDir, 'log', 'coffer.log'), 'utf8')
