/** What the guest is told about itself. */
export interface Identity {
  readonly id: string
  readonly name: string
  readonly hostname: string
}

/** A network card and its one fixed address. Without DHCP the guest has its network seconds earlier. */
export interface FixedAddress {
  /** Hardware address, lower case. */
  readonly mac: string
  readonly address: string
  /** Dotted. */
  readonly netmask: string
  /** Default: the guest reaches its own network only. */
  readonly gateway?: string
}

/** `openstack/latest/meta_data.json`: OpenStack's metadata format, the keys that guests use. No SSH key is handed out. */
export function metaData(identity: Identity): string {
  const data = {
    uuid: identity.id,
    name: identity.name,
    hostname: identity.hostname,
    availability_zone: 'nova',
    launch_index: 0,
    public_keys: {},
  }
  return `${JSON.stringify(data)}\n`
}

/** `openstack/latest/network_data.json` for one card. */
export function networkData(card: FixedAddress): string {
  const routes =
    card.gateway === undefined ? [] : [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: card.gateway }]
  const data = {
    links: [{ id: 'eth0', type: 'phy', ethernet_mac_address: card.mac }],
    networks: [
      {
        id: 'network0',
        link: 'eth0',
        type: 'ipv4',
        ip_address: card.address,
        netmask: card.netmask,
        routes,
      },
    ],
    services: [],
  }
  return `${JSON.stringify(data)}\n`
}
