import { readFile } from 'node:fs/promises'
import { CofferError } from '../../../../lib/errors.ts'
import { findProgram } from '../../../../lib/find-program.ts'
import { USER_NETWORK } from '../machine.ts'
import { forwardsOf } from './forwards.ts'
import { FORWARDER_FILE, FORWARDER_PROGRAM, forwarderCommand } from './hub-forwarder.ts'
import { addressAt, contains, parseRange, sizeOf } from './ipv4.ts'
import { applyForwards } from './live-rules.ts'
import { type GuestNetwork, type HubAddress, macOf } from './types.ts'

/**
 * QEMU's own network: needs no privilege. A guest is alone in it; its ports are forwarded from a loopback address of its
 * own on this machine, and one address inside leads to the hub.
 *
 * @param hub where the hub listens on this machine; undefined: guests reach nothing
 * @throws CofferError `ADDRESS_RANGE_INVALID`
 */
export function userNetwork(guestRange: string, hub: HubAddress | undefined): GuestNetwork {
  const range = parseRange(guestRange)
  if (!contains({ base: 127 * 2 ** 24, prefix: 8 }, addressAt(range, 0)) || sizeOf(range) < 4) {
    throw new CofferError(
      'ADDRESS_RANGE_INVALID',
      `Guests cannot have the addresses ${guestRange} in the network user`,
      {
        hint: 'Use a part of 127.0.0.0/8, for example 127.77.0.0/16, or set option network = bridge.',
      },
    )
  }
  return {
    // The second address of 127.0.0.0/8 is localhost.
    firstSlot: 2,
    endSlot: Math.min(sizeOf(range) - 1, 2 ** 16),
    hubForGuests: USER_NETWORK.hub,
    prepare: async () => undefined,
    place(slot) {
      const mac = macOf(slot)
      const card = { mac, address: USER_NETWORK.guest, netmask: USER_NETWORK.netmask }
      return { address: addressAt(range, slot), mac, card }
    },
    async checkRules(rules, uid) {
      const lowest = uid === undefined && process.getuid?.() === 0 ? 0 : await firstUnprivilegedPort()
      const low = forwardsOf(rules, '127.0.0.1').find(({ port }) => port < lowest)
      if (low === undefined) return
      throw new CofferError(
        'SECURITY_RULE_INVALID',
        `Port ${low.port} is below ${lowest} and cannot be forwarded`,
        {
          hint: 'Set option network = bridge, in which guests have all ports, or lower net.ipv4.ip_unprivileged_port_start.',
        },
      )
    },
    async attach({ rules, address }) {
      const forwards = forwardsOf(rules, address)
      if (hub === undefined)
        return { network: { kind: 'user', forwards, hubForwarder: undefined }, enter: [], files: {} }
      return {
        network: { kind: 'user', forwards, hubForwarder: forwarderCommand(await findPerl(), hub) },
        enter: [],
        files: { [FORWARDER_FILE]: FORWARDER_PROGRAM },
      }
    },
    async applyRules({ rules, address }, session) {
      if (session !== undefined) await applyForwards(session, forwardsOf(rules, address))
    },
    detach: async () => undefined,
    close: async () => undefined,
  }
}

async function firstUnprivilegedPort(): Promise<number> {
  const text = await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024')
  return Number(text)
}

async function findPerl(): Promise<string> {
  const perl = await findProgram('perl')
  if (perl !== undefined) return perl
  throw new CofferError('TOOL_MISSING', 'Leading guests to the hub needs perl, which is not installed', {
    hint: 'On Debian: apt-get install perl-base',
  })
}
