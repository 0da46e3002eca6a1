import type { SecurityRule } from '../../types.ts'
import type { HubAddress } from './types.ts'

/** A guest on the bridge. */
export interface BridgedGuest {
  readonly tap: string
  readonly mac: string
  readonly address: string
  readonly rules: readonly SecurityRule[]
}

/**
 * The whole nftables ruleset of the bridge, replaced in one step. Pure.
 *
 * Nothing passes but ARP, connections of guests to the hub, and what rules allow. A guest can only use its own addresses.
 * The rules keep no state: an answer is a packet from an allowed port that cannot open a connection. So they hold for
 * any kernel, and also for connections older than themselves.
 */
export function bridgeRules(guests: readonly BridgedGuest[], hub: HubAddress): string {
  const map = (direction: string) =>
    guests.length === 0
      ? []
      : [
          `    ${direction === 'out' ? 'iifname' : 'oifname'} vmap { ${guests.map(({ tap }) => `"${tap}" : jump ${tap}_${direction}`).join(', ')} }`,
        ]
  return [
    'table bridge coffer',
    'delete table bridge coffer',
    'table bridge coffer {',
    ...guests.flatMap((guest) => [...outOf(guest, hub), ...into(guest, hub)]),
    '  chain forward {',
    '    type filter hook forward priority 0; policy drop;',
    // First the sender's own chain drops what it may not send and marks what it may; then the receiver's decides.
    ...map('out'),
    ...map('in'),
    // What is left goes to this machine: only answers and calls of the hub, which the sender's chain has marked.
    '    oifname "uplink" meta mark 1 accept',
    '  }',
    '}',
    '',
  ].join('\n')
}

/** What a guest may send: with its own addresses; to the hub, or as answers. */
function outOf({ tap, mac, address, rules }: BridgedGuest, hub: HubAddress): string[] {
  return [
    `  chain ${tap}_out {`,
    `    ether saddr != ${mac} drop`,
    `    arp saddr ether ${mac} arp saddr ip ${address} meta mark set 1 return`,
    `    ether type != ip drop`,
    `    ip saddr != ${address} drop`,
    `    ip daddr ${hub.host} tcp dport ${hub.port} meta mark set 1 return`,
    ...rules.map((rule) => `    ${answers(rule)} meta mark set 1 return`),
    // Calls to another guest: its own chain decides. To this machine: nothing but the above.
    '    oifname "uplink" drop',
    '  }',
  ]
}

/** What may be sent to a guest. */
function into({ tap, address, rules }: BridgedGuest, hub: HubAddress): string[] {
  return [
    `  chain ${tap}_in {`,
    '    ether type arp accept',
    `    ip daddr != ${address} drop`,
    `    ip saddr ${hub.host} tcp sport ${hub.port} ${NOT_OPENING} accept`,
    ...rules.map((rule) => `    ${matches(rule)} accept`),
    // Answers of a guest that this one has called: marked by the sender's chain as coming from an allowed port.
    `    meta mark 1 ether type ip accept`,
    '    drop',
    '  }',
  ]
}

/** A TCP packet other than the first of a connection. */
const NOT_OPENING = 'tcp flags & (syn | ack) != syn'

function matches({ protocol, cidr, fromPort, toPort }: SecurityRule): string {
  if (protocol === 'icmp') return `ip saddr ${cidr} ip protocol icmp`
  return `ip saddr ${cidr} ${protocol} dport ${ports(fromPort, toPort)}`
}

function answers({ protocol, cidr, fromPort, toPort }: SecurityRule): string {
  if (protocol === 'icmp') return `ip daddr ${cidr} ip protocol icmp`
  const answer = `ip daddr ${cidr} ${protocol} sport ${ports(fromPort, toPort)}`
  return protocol === 'tcp' ? `${answer} ${NOT_OPENING}` : answer
}

function ports(from: number, to: number): string {
  return from === to ? String(from) : `${from}-${to}`
}
