import { expect, test } from 'vitest'
import { quoteWord } from '../../../lib/quote.ts'
import { confine } from '../../../runtime/compute/qemu/launch.ts'
import { type Machine, qemuCommand } from '../../../runtime/compute/qemu/machine.ts'
import { bridgeRules } from '../../../runtime/compute/qemu/network/bridge-rules.ts'
import { forwarderCommand } from '../../../runtime/compute/qemu/network/hub-forwarder.ts'

const machine: Machine = {
  program: '/usr/bin/qemu-system-x86_64',
  id: '5b2fd7a1-6d0c-4a57-9b0e-0d7c6f1f4c11',
  accel: 'tcg',
  vcpus: 2,
  memoryMiB: 2048,
  imageFormat: 'qcow2',
  volumes: ['0c9a8a52-11d3-4d5e-a5f5-6a1cf5d7a001'],
  mac: '52:54:00:00:00:02',
  network: {
    kind: 'user',
    forwards: [{ protocol: 'tcp', address: '127.77.0.2', port: 3306 }],
    hubForwarder: forwarderCommand('/usr/bin/perl', { host: '127.0.0.1', port: 5671 }),
  },
}

/** One option a line, as a person would write it. */
const text = (argv: readonly string[]) => `${argv.map(quoteWord).join(' ').replaceAll(' -', ' \\\n  -')}\n`

test('a server in QEMU’s own network, emulated', async () => {
  const argv = [...confine({ uid: 600_002, groups: [] }), ...qemuCommand(machine)]
  await expect(text(argv)).toMatchFileSnapshot('user-tcg.txt')
})

test('a server on a bridge, under KVM', async () => {
  const argv = [
    ...confine({ uid: 600_002, groups: [103] }),
    ...qemuCommand({ ...machine, accel: 'kvm', network: { kind: 'bridge', tap: 'tap2' } }),
  ]
  await expect(text(argv)).toMatchFileSnapshot('bridge-kvm.txt')
})

test('a server of a raw image, without volume, hub or open port, that runs under the caller’s user', async () => {
  const alone = { kind: 'user', forwards: [], hubForwarder: undefined } as const
  const argv = [
    ...confine(undefined),
    ...qemuCommand({ ...machine, imageFormat: 'raw', volumes: [], network: alone }),
  ]
  await expect(text(argv)).toMatchFileSnapshot('alone.txt')
})

test('the rules of a bridge with two guests', async () => {
  const rules = bridgeRules(
    [
      {
        tap: 'tap2',
        mac: '52:54:00:00:00:02',
        address: '172.29.0.2',
        rules: [{ protocol: 'tcp', fromPort: 3306, toPort: 3306, cidr: '0.0.0.0/0' }],
      },
      {
        tap: 'tap3',
        mac: '52:54:00:00:00:03',
        address: '172.29.0.3',
        rules: [
          { protocol: 'tcp', fromPort: 7000, toPort: 7001, cidr: '172.29.0.0/16' },
          { protocol: 'icmp', fromPort: -1, toPort: -1, cidr: '172.29.0.1/32' },
        ],
      },
    ],
    { host: '172.29.0.1', port: 5671 },
  )
  await expect(rules).toMatchFileSnapshot('bridge-rules.nft')
  expect(bridgeRules([], { host: '172.29.0.1', port: 5671 })).not.toContain('vmap')
})
