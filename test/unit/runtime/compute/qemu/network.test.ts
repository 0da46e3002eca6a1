import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hubOnHost } from '../../../../../runtime/compute/qemu/index.ts'
import { forwardsOf } from '../../../../../runtime/compute/qemu/network/forwards.ts'
import {
  addressAt,
  contains,
  netmaskOf,
  parseRange,
  sizeOf,
} from '../../../../../runtime/compute/qemu/network/ipv4.ts'
import { forwardChanges, parseForwards } from '../../../../../runtime/compute/qemu/network/live-rules.ts'
import { macOf } from '../../../../../runtime/compute/qemu/network/types.ts'
import { userNetwork } from '../../../../../runtime/compute/qemu/network/user.ts'
import type { SecurityRule } from '../../../../../runtime/compute/types.ts'

const tcp = (fromPort: number, toPort = fromPort, cidr = '0.0.0.0/0'): SecurityRule => ({
  protocol: 'tcp',
  fromPort,
  toPort,
  cidr,
})

describe('address ranges', () => {
  test('are read and counted through', () => {
    const range = parseRange('127.77.0.9/16')
    expect(sizeOf(range)).toBe(65_536)
    expect([addressAt(range, 0), addressAt(range, 2), addressAt(range, 256)]).toEqual([
      '127.77.0.0',
      '127.77.0.2',
      '127.77.1.0',
    ])
    expect(netmaskOf(range)).toBe('255.255.0.0')
    expect(netmaskOf(parseRange('0.0.0.0/0'))).toBe('0.0.0.0')
    expect(netmaskOf(parseRange('10.0.0.1'))).toBe('255.255.255.255')
  })

  test('hold exactly their own addresses', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 8, max: 32 }), fc.nat(), (base, prefix, n) => {
        const range = parseRange(`${addressAt({ base, prefix: 32 }, 0)}/${prefix}`)
        const last = sizeOf(range) - 1
        expect(contains(range, addressAt(range, n % (last + 1)))).toBe(true)
        if (range.base + last < 2 ** 32 - 1) expect(contains(range, addressAt(range, last + 1))).toBe(false)
      }),
    )
  })

  test('that are none are refused', () => {
    for (const text of [
      '',
      '10.0.0/8',
      '10.0.0.256/8',
      '10.0.0.0/33',
      '::/0',
      '10.0.0.0/8; drop',
      '-1.0.0.0',
    ]) {
      expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_RANGE_INVALID' }))
    }
  })
})

describe('security rules in QEMU’s own network', () => {
  const ports = (...rules: SecurityRule[]) => forwardsOf(rules, '127.77.0.2').map(({ port }) => port)

  test('become one forward a port, however often it is named', () => {
    expect(ports(tcp(3306), tcp(3305, 3307))).toEqual([3306, 3305, 3307])
    expect(forwardsOf([{ ...tcp(53), protocol: 'udp' }], '127.77.0.2')).toEqual([
      { protocol: 'udp', address: '127.77.0.2', port: 53 },
    ])
  })

  test('count only when they let this machine in: there is no other source', () => {
    expect(ports(tcp(3306, 3306, '10.0.0.0/8'))).toEqual([])
    expect(ports(tcp(3306, 3306, '127.0.0.1/32'))).toEqual([3306])
    expect(ports({ protocol: 'icmp', fromPort: -1, toPort: -1, cidr: '0.0.0.0/0' })).toEqual([])
  })

  test('that mean nothing, or too much, are refused', () => {
    for (const rule of [tcp(0), tcp(2, 1), tcp(65_536), tcp(1.5), tcp(Number.NaN), tcp(1, 65_535)]) {
      expect(() => ports(rule)).toThrow(expect.objectContaining({ code: 'SECURITY_RULE_INVALID' }))
    }
    expect(() => ports(tcp(1, 2, 'everywhere'))).toThrow(
      expect.objectContaining({ code: 'ADDRESS_RANGE_INVALID' }),
    )
  })

  test('below 1024 are refused for a guest whose QEMU may not listen there', async () => {
    const network = userNetwork('127.77.0.0/16', undefined)
    await expect(network.checkRules([tcp(1)], 600_002)).rejects.toMatchObject({
      code: 'SECURITY_RULE_INVALID',
    })
    await network.checkRules([tcp(3306)], 600_002)
  })

  test('change a running guest by the difference, read from QEMU’s own list', () => {
    const list = `Hub -1 (net0):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  18     127.77.0.2  3306       10.0.2.15  3306     0     0
  TCP[ESTABLISHED]   20     127.77.0.2  9999       10.0.2.15  9999     0     0
  UDP[HOST_FORWARD]  19     127.77.0.2    53       10.0.2.15    53     0     0
`
    const present = parseForwards(list)
    expect(present.map(({ protocol, port }) => `${protocol} ${port}`)).toEqual(['tcp 3306', 'udp 53'])
    const wanted = forwardsOf([tcp(3306, 3307)], '127.77.0.2')
    expect(forwardChanges(wanted, present)).toEqual({
      remove: [{ protocol: 'udp', address: '127.77.0.2', port: 53 }],
      add: [{ protocol: 'tcp', address: '127.77.0.2', port: 3307 }],
    })
  })
})

test('QEMU’s own network takes loopback addresses only, from the third on', () => {
  const network = userNetwork('127.77.0.0/24', undefined)
  expect(network.place(network.firstSlot)).toMatchObject({
    address: '127.77.0.2',
    card: { address: '10.0.2.15' },
  })
  expect(network.place(network.endSlot - 1).address).toBe('127.77.0.254')
  for (const range of ['10.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0']) {
    expect(() => userNetwork(range, undefined)).toThrow(
      expect.objectContaining({ code: 'ADDRESS_RANGE_INVALID' }),
    )
  }
})

test('no two slots share a hardware address', () => {
  expect(macOf(2)).toBe('52:54:00:00:00:02')
  expect(new Set(Array.from({ length: 70_000 }, (_, slot) => macOf(slot))).size).toBe(70_000)
})

test('the hub is where the transport URL says, on this machine', () => {
  expect(hubOnHost('embedded://127.0.0.1:5999')).toEqual({ host: '127.0.0.1', port: 5999 })
  expect(hubOnHost('embedded://0.0.0.0:5671')).toEqual({ host: '127.0.0.1', port: 5671 })
  expect(hubOnHost('amqp://user:secret@broker.example/vhost')).toEqual({ host: 'broker.example', port: 5672 })
})
