import { CofferError } from '../../../../lib/errors.ts'
import type { SecurityRule } from '../../types.ts'
import { contains, parseRange } from './ipv4.ts'

/** A port of the guest's loopback address on this machine that leads to the same port of the guest. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

/** One listening socket each; a rule for all ports would need 65,535. */
const MOST_FORWARDS = 256

/** Where connections to a loopback address of this machine come from. */
const LOCAL = '127.0.0.1'

/**
 * The forwards that rules allow in QEMU's own network. The only sources there are on this machine, so a rule counts when
 * its range holds 127.0.0.1; ICMP is not forwarded.
 *
 * @throws CofferError `SECURITY_RULE_INVALID`, `ADDRESS_RANGE_INVALID`
 */
export function forwardsOf(rules: readonly SecurityRule[], address: string): Forward[] {
  const forwards = new Map<string, Forward>()
  for (const rule of rules) {
    checkRule(rule)
    if (rule.protocol === 'icmp' || !contains(parseRange(rule.cidr), LOCAL)) continue
    for (let port = rule.fromPort; port <= rule.toPort; port++) {
      forwards.set(`${rule.protocol} ${port}`, { protocol: rule.protocol, address, port })
      if (forwards.size > MOST_FORWARDS) {
        throw new CofferError(
          'SECURITY_RULE_INVALID',
          `The rules open more than ${MOST_FORWARDS} ports, more than QEMU’s own network can forward`,
          { hint: 'Name the ports that the datastore needs, or set option qemu network = bridge.' },
        )
      }
    }
  }
  return [...forwards.values()]
}

/**
 * Refuses a rule that means nothing.
 *
 * @throws CofferError `SECURITY_RULE_INVALID`, `ADDRESS_RANGE_INVALID`
 */
export function checkRule({ protocol, fromPort, toPort, cidr }: SecurityRule): void {
  parseRange(cidr)
  const valid = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535
  if (protocol === 'icmp' || (valid(fromPort) && valid(toPort) && fromPort <= toPort)) return
  throw new CofferError('SECURITY_RULE_INVALID', `${fromPort} to ${toPort} is not a range of ports`, {
    hint: 'Ports are whole numbers from 1 to 65535, the lower one first.',
  })
}
