import { access } from 'node:fs/promises'
import { CofferError } from '../../../../lib/errors.ts'
import { type Argv, run } from '../../../../lib/exec.ts'
import { sha256 } from '../../../../lib/hash.ts'
import type { ServerRecord } from '../record.ts'
import { bridgeRules } from './bridge-rules.ts'
import { checkRule } from './forwards.ts'
import { addressAt, contains, netmaskOf, parseRange, sizeOf } from './ipv4.ts'
import { type GuestNetwork, macOf } from './types.ts'

/** Options of {@link bridgeNetwork}. */
export interface BridgeOptions {
  readonly guestRange: string
  /** Port of the hub, which must listen on the range's first address. */
  readonly hubPort: number
  /** Names the network: each state directory has its own. */
  readonly stateDir: string
  /** All servers on the bridge, for the rules. */
  readonly servers: () => Promise<readonly ServerRecord[]>
}

const BRIDGE = 'guests'
const UPLINK = 'uplink'

/** The names of a state directory's network namespace and of this machine's end of the cable into it. */
export function bridgeNames(stateDir: string): { readonly namespace: string; readonly cable: string } {
  const tag = sha256(stateDir).slice(0, 8)
  return { namespace: `coffer-${tag}`, cable: `cof-${tag}` }
}

/**
 * A bridge in a network namespace of its own, in which each guest has an address. This machine is connected by one
 * cable (veth) that carries the range's first address. All rules are kept on the bridge, so the machine's own firewall
 * is not touched, and removing the namespace removes everything. Needs root.
 *
 * @throws CofferError `ADDRESS_RANGE_INVALID`, `ROOT_NEEDED`
 */
export function bridgeNetwork({ guestRange, hubPort, stateDir, servers }: BridgeOptions): GuestNetwork {
  const range = parseRange(guestRange)
  if (contains({ base: 127 * 2 ** 24, prefix: 8 }, addressAt(range, 0)) || sizeOf(range) < 4) {
    throw new CofferError(
      'ADDRESS_RANGE_INVALID',
      `Guests cannot have the addresses ${guestRange} on a bridge`,
      {
        hint: 'Set option guest_range to a private range that nothing else uses, for example 172.29.0.0/16.',
      },
    )
  }
  if (process.getuid?.() !== 0) {
    throw new CofferError('ROOT_NEEDED', 'A bridge for guests needs root', {
      hint: 'Set option network = user.',
    })
  }
  const { namespace, cable } = bridgeNames(stateDir)
  const hub = { host: addressAt(range, 1), port: hubPort }
  const inside = (...args: string[]) => ip('-n', namespace, ...args)
  const hasLink = async (name: string) => (await attempt(['ip', '-n', namespace, 'link', 'show', name])) === 0
  const enter = ['nsenter', `--net=/run/netns/${namespace}`, '--']
  const tapOf = ({ slot }: Pick<ServerRecord, 'slot'>) => `tap${slot}`

  const ensure = async () => {
    await refuseTakenRange(guestRange, cable)
    const missing = await access(`/run/netns/${namespace}`).then(
      () => false,
      () => true,
    )
    if (missing) await ip('netns', 'add', namespace)
    if (!(await hasLink(BRIDGE))) await inside('link', 'add', BRIDGE, 'type', 'bridge', 'stp_state', '0')
    if (!(await hasLink(UPLINK)))
      await ip('link', 'add', cable, 'type', 'veth', 'peer', UPLINK, 'netns', namespace)
    // The rules stand before anything can pass.
    await loadRules()
    await inside('link', 'set', BRIDGE, 'up')
    await inside('link', 'set', UPLINK, 'master', BRIDGE, 'up')
    await ip('address', 'replace', `${hub.host}/${range.prefix}`, 'dev', cable)
    await ip('link', 'set', cable, 'up')
  }
  const loadRules = async () => {
    const guests = (await servers()).map((server) => ({ ...server, tap: tapOf(server) }))
    await tool(['nsenter', `--net=/run/netns/${namespace}`, '--', 'nft', '-f', '-'], bridgeRules(guests, hub))
  }

  return {
    firstSlot: 2,
    endSlot: Math.min(sizeOf(range) - 1, 2 ** 16),
    hubForGuests: hub,
    prepare: ensure,
    place(slot) {
      const mac = macOf(slot)
      const address = addressAt(range, slot)
      return { address, mac, card: { mac, address, netmask: netmaskOf(range) } }
    },
    async checkRules(rules) {
      for (const rule of rules) checkRule(rule)
    },
    async attach(server) {
      await ensure()
      const tap = tapOf(server)
      if (!(await hasLink(tap))) {
        const owner = server.uid === undefined ? [] : ['user', String(server.uid)]
        await inside('tuntap', 'add', 'dev', tap, 'mode', 'tap', ...owner)
      }
      await inside('link', 'set', tap, 'master', BRIDGE, 'up')
      return { network: { kind: 'bridge', tap }, enter, files: {} }
    },
    applyRules: loadRules,
    async detach(server) {
      if (await hasLink(tapOf(server))) await inside('link', 'del', tapOf(server))
      const standing = await access(`/run/netns/${namespace}`).then(
        () => true,
        () => false,
      )
      if (standing) await loadRules()
    },
    async close() {
      if ((await servers()).length > 0) return
      await attempt(['ip', 'link', 'del', cable])
      await attempt(['ip', 'netns', 'del', namespace])
    },
  }
}

/** Makes sure that no other interface of this machine has addresses of the range. */
async function refuseTakenRange(guestRange: string, cable: string): Promise<void> {
  const { stdout } = await run(['ip', '-j', '-4', 'address'], { timeoutMs: 10_000 })
  const links = JSON.parse(stdout) as { ifname: string; addr_info: { local: string; prefixlen: number }[] }[]
  const range = parseRange(guestRange)
  for (const { ifname, addr_info } of links) {
    if (ifname === cable) continue
    for (const { local, prefixlen } of addr_info) {
      const other = parseRange(`${local}/${prefixlen}`)
      if (!contains(range, local) && !contains(other, addressAt(range, 0))) continue
      throw new CofferError(
        'ADDRESS_RANGE_INVALID',
        `${guestRange} overlaps ${local}/${prefixlen} of ${ifname}`,
        {
          hint: 'Set option guest_range to a private range that nothing else uses.',
        },
      )
    }
  }
}

async function ip(...args: string[]): Promise<void> {
  await tool(['ip', ...args])
}

async function tool(argv: Argv, input?: string): Promise<void> {
  try {
    await run(argv, { timeoutMs: 20_000, ...(input === undefined ? {} : { input }) })
  } catch (error) {
    if (
      !(error instanceof CofferError) ||
      !/COMMAND_NOT_FOUND|failed to execute nft/.test(error.code + error.message)
    ) {
      throw error
    }
    throw new CofferError('TOOL_MISSING', 'A bridge for guests needs the programs ip, nsenter and nft', {
      hint: 'On Debian: apt-get install iproute2 util-linux nftables',
      cause: error,
    })
  }
}

async function attempt(argv: Argv): Promise<number> {
  return (await run(argv, { timeoutMs: 20_000, check: false })).exitCode
}
