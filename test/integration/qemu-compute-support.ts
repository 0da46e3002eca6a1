import { mkdtemp, readFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { removeTree } from '../../lib/tree.ts'
import { openQemuCompute, type QemuComputeSettings } from '../../runtime/compute/qemu/index.ts'
import type { ComputeDriver, ServerSpec } from '../../runtime/compute/types.ts'

export const silent = { warn: () => undefined, info: () => undefined }
export const FIRST_UID = 710_000

/** What guests run unless a test gives them another script: a shell for whoever connects to port 3306. */
export const SHELL = 'nc -ll -p 3306 -e sh &\n'

/** A machine's worth of driver in a directory of its own, with an address range that other tests do not use. */
export interface Bench {
  readonly stateDir: string
  readonly settings: QemuComputeSettings
  readonly driver: ComputeDriver
  readonly reopen: () => Promise<ComputeDriver>
  /** Deletes everything the driver has, and the directory. */
  readonly release: () => Promise<void>
}

export async function openBench(
  more: Partial<QemuComputeSettings['qemu']> & { readonly hubPort?: number } = {},
): Promise<Bench> {
  // As the services run: what guests' own accounts must read has to say so itself.
  process.umask(0o077)
  const stateDir = await mkdtemp(join(tmpdir(), 'coffer-qemu-'))
  const { hubPort = 1, ...qemu } = more
  const settings: QemuComputeSettings = {
    stateDir,
    transportUrl: `embedded://127.0.0.1:${hubPort}`,
    qemu: {
      network: 'user',
      guestRange: '127.78.0.0/24',
      accelerator: 'tcg',
      firstUid: FIRST_UID,
      ...qemu,
    },
  }
  const reopen = () => openQemuCompute(settings, { clock: systemClock, log: silent })
  const driver = await reopen()
  return {
    stateDir,
    settings,
    driver,
    reopen,
    async release() {
      for (const { id } of await driver.listServers()) await driver.deleteServer(id)
      for (const { id } of await driver.listVolumes()) await driver.deleteVolume(id)
      await driver.close()
      await removeTree(stateDir)
    },
  }
}

/** A server of 128 MiB with the shell on port 3306 open to all. */
export function tinyServer(id: string, image: string, more: Partial<ServerSpec> = {}): ServerSpec {
  return {
    id,
    name: `name of ${id}`,
    instanceId: `instance-${id}`,
    tenantId: 'tenant',
    flavor: { id: '9', name: 'test', ram: 128, vcpus: 1, disk: 0, ephemeral: 0 },
    image: { id: 'tiny', path: image, format: 'qcow2' },
    volumeIds: [],
    files: { 'guest_info.conf': '[DEFAULT]\nguest_id = 1\n' },
    hostname: id,
    userData: SHELL,
    rules: [{ protocol: 'tcp', fromPort: 3306, toPort: 3306, cidr: '0.0.0.0/0' }],
    ...more,
  }
}

/** Runs commands in a guest by its shell on port 3306, waiting for the guest to come up. */
export async function inGuest(address: string, script: string, patienceMs = 60_000): Promise<string> {
  const ask = async (text: string, timeoutMs: number) => {
    // The mark tells an answer from a connection that QEMU took and the guest never did.
    const output = await exchange(address, 3306, `${text}\necho the-end\nexit\n`, timeoutMs).catch(() => '')
    return output.endsWith('the-end\n') ? output.slice(0, -'the-end\n'.length) : undefined
  }
  for (const deadline = Date.now() + patienceMs; (await ask('', 1500)) === undefined; ) {
    if (Date.now() > deadline) throw new Error(`the guest ${address} does not answer`)
    await systemClock.sleep(100)
  }
  const output = await ask(script, 30_000)
  if (output === undefined) throw new Error(`the guest ${address} did not finish: ${script}`)
  return output
}

/** Sends text, ends the sending side, and gives what comes back until the other side ends too. */
export function exchange(host: string, port: number, text: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true })
    let received = ''
    const timer = setTimeout(() => socket.destroy(new Error('no end in time')), timeoutMs)
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(text))
    socket.on('data', (chunk: string) => {
      received += chunk
    })
    socket.on('end', () => socket.end())
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
  })
}

/** A stand-in for the hub: answers, when the guest has ended its side, with all it got. */
export async function echoHub(
  host = '127.0.0.1',
  port = 0,
): Promise<{ port: number; server: Server; stop: () => void }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let received = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      received += chunk
    })
    socket.on('end', () => socket.end(`hub got ${received}`))
    socket.on('error', () => undefined)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const sockets = new Set<import('node:net').Socket>()
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    server,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Process id of a server's QEMU. */
export async function pidOf(stateDir: string, id: string): Promise<number> {
  return Number((await readFile(join(stateDir, 'instances', id, 'process'), 'utf8')).split(' ')[0])
}

/** Fields of /proc/PID/status. */
export async function statusOf(pid: number): Promise<Record<string, string>> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(':\t').map((part) => part.trim()) as [string, string]),
  )
}
