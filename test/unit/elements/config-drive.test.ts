import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'

const programs = new URL('../../../elements/config-drive/static/usr/lib/coffer/', import.meta.url).pathname

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-config-drive-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

async function jsonLines(text: string): Promise<string[]> {
  const { stdout } = await run(['awk', '-f', `${programs}json-lines`], { input: text })
  return stdout.split('\n').filter((line) => line !== '')
}

/** What the network service would read, by hardware address. */
async function cardsOf(data: object): Promise<Record<string, string[]>> {
  const input = `${(await jsonLines(JSON.stringify(data))).join('\n')}\n`
  await run(['sh', `${programs}network-data`, directory], { input })
  const cards: Record<string, string[]> = {}
  for (const name of await readdir(directory)) {
    cards[name] = (await readFile(join(directory, name), 'utf8')).trimEnd().split('\n')
  }
  return cards
}

test('JSON becomes one line for each value, named by its path', async () => {
  const data = {
    hostname: 'db1.example.org',
    public_keys: { 'my.key': 'ssh-ed25519 AAAA me\n' },
    files: [{ path: '/etc/x', content_path: '/content/0000' }, { path: '/etc/"y"' }],
    empty: {},
    none: [],
    launch_index: 0,
    on: true,
    off: null,
  }
  expect(await jsonLines(JSON.stringify(data, null, 2))).toEqual([
    'hostname\tdb1.example.org',
    'public_keys.my.key\tssh-ed25519 AAAA me\\n',
    'files.0.path\t/etc/x',
    'files.0.content_path\t/content/0000',
    'files.1.path\t/etc/"y"',
    'launch_index\t0',
    'on\ttrue',
    'off\tnull',
  ])
})

test.each(['', '{"a": 1', '{"a" 1}', '[1, 2', '{"a": "b}', '{} {}', 'nonsense', '{"a": "line\nfeed"}'])(
  'what is not JSON is refused: %j',
  async (text) => {
    await expect(jsonLines(text)).rejects.toMatchObject({ code: 'COMMAND_FAILED' })
  },
)

test('no value can make a second line or another path, whatever it holds', async () => {
  const printable = fc.string({
    unit: fc.integer({ min: 1, max: 126 }).map((n) => String.fromCharCode(n)),
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(printable, async (value) => {
      expect(await jsonLines(JSON.stringify({ a: value, z: 1 }))).toHaveLength(2)
    }),
    { numRuns: 25 },
  )
})

test('a card with a fixed address gets its address, routes, name server and MTU', async () => {
  const cards = await cardsOf({
    links: [{ id: 'tap1', mtu: 1450, ethernet_mac_address: 'FA:16:3E:00:00:01' }],
    networks: [
      {
        id: 'network0',
        type: 'ipv4',
        link: 'tap1',
        ip_address: '10.0.2.77',
        netmask: '255.255.252.0',
        routes: [
          { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.2.2' },
          { network: '172.16.0.0', netmask: '255.240.0.0', gateway: '10.0.2.3' },
        ],
      },
    ],
    services: [{ type: 'dns', address: '10.0.2.4' }],
  })
  expect(cards).toEqual({
    'fa:16:3e:00:00:01': [
      'mtu 1450',
      'address 10.0.2.77/22',
      'route default 10.0.2.2',
      'route 172.16.0.0/12 10.0.2.3',
      'nameserver 10.0.2.4',
    ],
  })
})

test('a card whose network says DHCP is left to DHCP', async () => {
  const cards = await cardsOf({
    links: [{ id: 'a', ethernet_mac_address: 'fa:16:3e:00:00:02' }],
    networks: [{ type: 'ipv4_dhcp', link: 'a' }],
  })
  expect(cards).toEqual({ 'fa:16:3e:00:00:02': ['dhcp'] })
})

test('a hardware address that is none names no file, and an address that is none is not passed on', async () => {
  const network = { type: 'ipv4', link: 'a', ip_address: '10.0.0.1', netmask: '255.0.0.0' }
  expect(
    await cardsOf({ links: [{ id: 'a', ethernet_mac_address: '../../etc/passwd' }], networks: [network] }),
  ).toEqual({})
  expect(
    await cardsOf({
      links: [{ id: 'a', ethernet_mac_address: 'fa:16:3e:00:00:03' }],
      networks: [{ ...network, ip_address: '10.0.0.1 dev eth0; reboot' }],
    }),
  ).toEqual({})
})
