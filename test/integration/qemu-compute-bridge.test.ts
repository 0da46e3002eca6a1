import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { hubForGuests } from '../../runtime/compute/qemu/index.ts'
import { bridgeNames } from '../../runtime/compute/qemu/network/bridge.ts'
import type { SecurityRule } from '../../runtime/compute/types.ts'
import { tinyGuest } from './qemu-compute-guest.ts'
import {
  type Bench,
  echoHub,
  exchange,
  inGuest,
  openBench,
  pidOf,
  statusOf,
  tinyServer,
} from './qemu-compute-support.ts'

const RANGE = '10.213.77.0/28'
const HOST = '10.213.77.1'
const [OPEN, CLOSED] = ['10.213.77.2', '10.213.77.3']
const HUB_PORT = 25_671

const open = (port: number, cidr: string): SecurityRule => ({
  protocol: 'tcp',
  fromPort: port,
  toPort: port,
  cidr,
})
const links = async () =>
  (await run(['ip', '-br', 'link'])).stdout + (await run(['ip', 'netns', 'list'])).stdout

const possible = process.getuid?.() === 0 && (await findProgram('nft')) !== undefined

let bench: Bench
let hub: Awaited<ReturnType<typeof echoHub>>
let image: string
beforeAll(async () => {
  if (!possible) throw new Error('this test needs root and nftables')
  image = await tinyGuest()
  bench = await openBench({ network: 'bridge', guestRange: RANGE, hubPort: HUB_PORT })
  hub = await echoHub(HOST, HUB_PORT)
  await bench.driver.createServer(tinyServer('open', image, { rules: [open(3306, '0.0.0.0/0')] }))
  await bench.driver.createServer(tinyServer('closed', image, { rules: [open(3306, `${HOST}/32`)] }))
})
afterAll(async () => {
  hub.stop()
  await bench.release()
})

test('each guest has an address of its own that this machine reaches, on a bridge in a namespace', async () => {
  expect(hubForGuests(bench.settings)).toEqual({ host: HOST, port: HUB_PORT })
  expect((await bench.driver.getServer('open'))?.addresses).toEqual([OPEN])
  expect((await bench.driver.getServer('closed'))?.addresses).toEqual([CLOSED])
  expect(await inGuest(OPEN, 'hostname; ip -o -4 addr show dev eth0')).toContain(`inet ${OPEN}/28`)
  expect(await inGuest(CLOSED, 'ip -o -4 addr show dev eth0')).toContain(`inet ${CLOSED}/28`)
})

test('QEMU may start no program at all there', async () => {
  const pid = await pidOf(bench.stateDir, 'open')
  const { stdout } = await run(['cat', `/proc/${pid}/cmdline`])
  expect(stdout).toContain('elevateprivileges=deny,spawn=deny')
  expect(await statusOf(pid)).toMatchObject({ NoNewPrivs: '1', Seccomp: '2', CapEff: '0000000000000000' })
})

test('guests reach the hub, and each other only where rules say so', async () => {
  const call = (target: string) => `(echo hello; sleep 1) | timeout 4 nc ${target} 2>&1; echo "${target}: $?"`
  const fromOpen = await inGuest(OPEN, `${call(`${HOST} ${HUB_PORT}`)}\n${call(`${CLOSED} 3306`)}`)
  expect(fromOpen).toContain('hub got hello')
  expect(fromOpen).toMatch(new RegExp(`${CLOSED} 3306: [1-9]`))
  const fromClosed = await inGuest(
    CLOSED,
    `(echo 'echo from $((40+2))'; echo exit; sleep 2) | timeout 6 nc ${OPEN} 3306`,
  )
  expect(fromClosed).toContain('from 42')
})

test('guests reach no other service of this machine, also not from another address', async () => {
  const service = createServer((socket) => socket.end('leak'))
  await new Promise<void>((resolve) => service.listen(0, '0.0.0.0', resolve))
  const { port } = service.address() as { port: number }
  try {
    expect(await exchange(HOST, port, '', 2000)).toBe('leak')
    const seen = await inGuest(
      CLOSED,
      `(sleep 1) | timeout 3 nc ${HOST} ${port} 2>&1; echo "own: $?"
      ping -c 1 -W 2 ${HOST} >/dev/null 2>&1; echo "ping: $?"`,
    )
    expect(seen).not.toContain('leak')
    for (const name of ['own', 'ping']) expect(seen).toMatch(new RegExp(`${name}: [1-9]`))
    // With another address even the hub does not answer; the way back to the own one needs no connection to the guest.
    const call = `(echo spoofed; sleep 1) | timeout 4 nc ${HOST} ${HUB_PORT}`
    const change = (away: string, to: string) =>
      `ip addr del ${away}/28 dev eth0; ip addr add ${to}/28 dev eth0`
    await inGuest(
      CLOSED,
      `(${change(CLOSED, '10.213.77.9')}; ${call}; echo "other: $?"; ${change('10.213.77.9', CLOSED)}; ${call}) >/tmp/o 2>&1 </dev/null &`,
    )
    await expect
      .poll(() => inGuest(CLOSED, 'cat /tmp/o'), { timeout: 30_000, interval: 1000 })
      .toMatch(/other: [1-9]\d*\nhub got spoofed/)
  } finally {
    service.close()
  }
})

test('rules change while guests run', async () => {
  await bench.driver.setSecurityRules('open', [open(3307, '0.0.0.0/0')])
  await expect(exchange(OPEN, 3306, 'echo hello\nexit\n', 2000)).rejects.toThrow()
  await expect(exchange(OPEN, 3307, '', 5000)).rejects.toThrow('ECONNREFUSED')
  await bench.driver.setSecurityRules('open', [open(3306, '0.0.0.0/0')])
  expect(await inGuest(OPEN, 'echo back')).toContain('back')
})

test('delete removes the card; the network itself goes when the driver closes with no guest left', async () => {
  const { namespace, cable } = bridgeNames(bench.stateDir)
  const taps = async () => (await run(['ip', '-n', namespace, '-br', 'link'])).stdout
  expect(await taps()).toContain('tap2')
  await bench.driver.deleteServer('open')
  expect(await taps()).not.toContain('tap2')
  await (await bench.reopen()).close()
  expect(await links()).toContain(namespace)
  expect(await inGuest(CLOSED, 'echo still here')).toContain('still here')
  await bench.driver.deleteServer('closed')
  await bench.driver.close()
  const left = await links()
  expect(left).not.toContain(namespace)
  expect(left).not.toContain(cable)
  await (await bench.reopen()).close()
})
