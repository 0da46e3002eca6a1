import type { FixedAddress } from '../../config-drive/meta-data.ts'
import type { SecurityRule } from '../../types.ts'
import type { BridgeNetwork, UserNetwork } from '../machine.ts'
import type { QmpSession } from '../qmp/client.ts'
import type { ServerRecord } from '../record.ts'

/** Where the hub is. */
export interface HubAddress {
  readonly host: string
  readonly port: number
}

/** What a slot means in a network. */
export interface Place {
  /** The guest's address as this machine reaches it. */
  readonly address: string
  readonly mac: string
  /** The guest's card as the guest configures it. */
  readonly card: FixedAddress
}

/** How a network takes part in a start. */
export interface Attachment {
  readonly network: UserNetwork | BridgeNetwork
  /** Command that runs the rest of the command line inside the network. */
  readonly enter: readonly string[]
  /** Files for the work directory, constant and not secret. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * How guests are connected. Members: `user` and `bridge`. What a member MUST keep:
 * - a guest reaches the hub, and otherwise only what rules of other guests let it reach;
 * - a guest is reached only as its rules say;
 * - every function may be called again, and after `detach` nothing of the server is left.
 */
export interface GuestNetwork {
  /** Slots from `firstSlot`, below `endSlot`, have an address. */
  readonly firstSlot: number
  readonly endSlot: number
  /** Where guests find the hub. */
  readonly hubForGuests: HubAddress
  /** Makes what the network needs before the hub and guests can use it. */
  readonly prepare: () => Promise<void>
  readonly place: (slot: number) => Place
  /** Refuses rules that the network cannot keep. @throws CofferError `SECURITY_RULE_INVALID` */
  readonly checkRules: (rules: readonly SecurityRule[], uid: number | undefined) => Promise<void>
  /** Makes what a server needs before it starts. */
  readonly attach: (server: ServerRecord) => Promise<Attachment>
  /** Makes the rules of the record count, also for a server that runs (then with a session to it). */
  readonly applyRules: (server: ServerRecord, session: QmpSession | undefined) => Promise<void>
  readonly detach: (server: Pick<ServerRecord, 'slot'>) => Promise<void>
  /** Removes what no server needs any more. */
  readonly close: () => Promise<void>
}

/** A hardware address of the range that KVM's makers set aside, unlike that of any other slot. */
export function macOf(slot: number): string {
  const bytes = [0x52, 0x54, 0x00, (slot >> 16) & 0xff, (slot >> 8) & 0xff, slot & 0xff]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}
