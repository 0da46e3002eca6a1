import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_SECTION, parseIni } from '../../../../lib/ini.ts'
import { configurationOf } from '../../../../runtime/guestagent/configuration.ts'
import { guestFiles, renderIni } from '../../../../runtime/taskmanager/guest-files.ts'
import { hostnameOf } from '../../../../runtime/taskmanager/steps/server.ts'

const settings = {
  reportInterval: 30,
  volumeFstype: 'ext4',
  datastore: () => ({
    tcpPorts: [{ from: 3306, to: 3306 }],
    udpPorts: [],
    mountPoint: '/var/lib/mysql',
    devicePath: '/dev/vdb',
    volumeSupport: true,
    rootOnCreate: false,
    usageTimeout: 400,
    ignoreUsers: ['os_admin', 'root'],
    ignoreDbs: ['mysql'],
  }),
}

describe('the files on the config drive', () => {
  const files = guestFiles({
    instanceId: 'a1',
    tenantId: 'tenant-a',
    manager: 'mysql',
    transportUrl: 'coffer://guest%3Aa1:c0ffee@10.0.2.100:5671',
    settings,
    hasVolume: true,
  })

  test('say who the guest is and where its data goes', () => {
    expect(files).toMatchInlineSnapshot(`
      {
        "guest_info.conf": "[DEFAULT]
      guest_id = a1
      datastore_manager = mysql
      tenant_id = tenant-a
      ",
        "trove-guestagent.conf": "[DEFAULT]
      transport_url = coffer://guest%3Aa1:c0ffee@10.0.2.100:5671
      control_exchange = trove
      report_interval = 30
      volume_fstype = ext4
      datastore_manager = mysql

      [mysql]
      mount_point = /var/lib/mysql
      device_path = /dev/vdb
      volume_support = true
      tcp_ports = 3306
      udp_ports = 
      root_on_create = false
      ignore_users = os_admin,root
      ignore_dbs = mysql
      ",
      }
    `)
  })

  test('are understood by the guest agent', () => {
    expect(configurationOf(Object.values(files))).toMatchObject({
      guestId: 'a1',
      tenantId: 'tenant-a',
      datastoreManager: 'mysql',
      transportUrl: 'coffer://guest%3Aa1:c0ffee@10.0.2.100:5671',
      reportInterval: 30,
    })
  })
})

describe('values in a configuration file', () => {
  test('a value with a line break is refused: it could add options of its own', () => {
    const render = () => renderIni({ DEFAULT: { tenant_id: 'x\ntransport_url = coffer://evil' } })
    expect(render).toThrow(expect.objectContaining({ code: 'CONFIG_VALUE_REFUSED' }))
  })

  test('a list item with a comma is refused: it would become two', () => {
    expect(() => renderIni({ mysql: { ignore_users: ['a,b'] } })).toThrow(/ignore_users/)
  })

  test('any other value is read back as it was, a dollar sign as oslo.config wants it', () => {
    const printable = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text))
    fc.assert(
      fc.property(printable, (value) => {
        const text = renderIni({ DEFAULT: { before: '1', value, after: '2' } })
        const options = parseIni(text, 'a file').get(DEFAULT_SECTION)
        expect(options?.get('value')?.at(-1)?.replaceAll('$$', '$')).toBe(value)
        expect([...(options?.keys() ?? [])]).toEqual(['before', 'value', 'after'])
      }),
    )
  })
})

test('a host name is made of what host names may hold', () => {
  expect(hostnameOf('My DB #1', 'a1')).toBe('my-db-1')
  expect(hostnameOf('ünïcode', 'a1')).toBe('n-code')
  expect(hostnameOf('--', 'a1')).toBe('instance-a1')
  expect(hostnameOf('x'.repeat(300), 'a1')).toHaveLength(63)
})
