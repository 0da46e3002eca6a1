import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { configurationOf, readConfiguration } from '../../../../runtime/guestagent/configuration.ts'

const GUEST_INFO = `[DEFAULT]
guest_id = 8b8c
datastore_manager = mysql
tenant_id = 'a tenant'
`

test('the two files of the configuration drive say who the guest is and where it dials', () => {
  const configuration = configurationOf([
    GUEST_INFO,
    '# made for this guest\n[DEFAULT]\ntransport_url: coffer://guest:8b8c:ab=cd@10.0.2.100:5671\nreport_interval = 2.5\n[other]\nguest_id = no\n',
  ])
  expect(configuration).toEqual({
    guestId: '8b8c',
    tenantId: 'a tenant',
    datastoreManager: 'mysql',
    transportUrl: 'coffer://guest:8b8c:ab=cd@10.0.2.100:5671',
    reportInterval: 2.5,
    debug: false,
    volume: {},
  })
})

test("the datastore's own section tells of its volume, as far as there is one", () => {
  const volumeOf = (section: string) =>
    configurationOf([GUEST_INFO, `[DEFAULT]\ntransport_url = x\nvolume_fstype = xfs\n${section}`]).volume
  const volume = 'device_path = /dev/vdb\nmount_point = /var/lib/mysql\n'
  expect(volumeOf(`[mysql]\nvolume_support = true\n${volume}`)).toEqual({
    device_path: '/dev/vdb',
    mount_point: '/var/lib/mysql',
    volume_fstype: 'xfs',
  })
  expect(volumeOf(`[mysql]\nvolume_support = False\n${volume}`)).toEqual({})
  expect(volumeOf('[mysql]\nvolume_support = true\ndevice_path =\n')).toEqual({})
  expect(volumeOf(`[redis]\nvolume_support = true\n${volume}`)).toEqual({})
})

test('a heartbeat comes every ten seconds unless a file says otherwise', () => {
  const { reportInterval } = configurationOf([GUEST_INFO, '[DEFAULT]\ntransport_url = coffer://x\n'])
  expect(reportInterval).toBe(10)
})

test.each(['-1', '0', 'often', '1e9'])('a report_interval of %j is refused', (text) => {
  expect(() =>
    configurationOf([GUEST_INFO, `[DEFAULT]\ntransport_url = x\nreport_interval = ${text}\n`]),
  ).toThrow(expect.objectContaining({ code: 'OPTION_VALUE_INVALID' }))
})

test('a missing option, or a missing file, is named', async () => {
  expect(() => configurationOf([GUEST_INFO, ''])).toThrow(/transport_url/)
  const directory = await mkdtemp(join(tmpdir(), 'coffer-agent.'))
  try {
    await writeFile(join(directory, 'guest_info.conf'), GUEST_INFO)
    await expect(readConfiguration(directory)).rejects.toThrow(/trove-guestagent\.conf/)
  } finally {
    await removeTree(directory)
  }
})
