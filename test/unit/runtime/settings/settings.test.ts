import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allOptions, loadSettings } from '../../../../runtime/settings/index.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-settings-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const file = async (name: string, text: string) => {
  const path = join(directory, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
  return path
}
/** Settings of one file of that text. */
const load = async (text: string) =>
  loadSettings({ env: { COFFER_STATE_DIR: directory }, files: [await file('one.conf', text)] })

describe('without any file', () => {
  test('one machine has all it needs', async () => {
    const settings = await load('')
    expect(settings).toMatchObject({
      stateDir: directory,
      databaseUrl: `sqlite://${directory}/trove.sqlite`,
      transportUrl: 'embedded://127.0.0.1:5671',
      computeDriver: 'qemu',
      bindPort: 8779,
      identityBindPort: 5000,
      authUrl: undefined,
      maxInstancesPerTenant: 10,
      maxVolumesPerTenant: 40,
      maxBackupsPerTenant: 50,
      maxAcceptedVolumeSize: 10,
      maxRamPerTenant: -1,
      troveVolumeSupport: true,
      volumeFstype: 'ext4',
      reportInterval: 10,
      agentHeartbeatExpiry: 60,
      instancesPageSize: 20,
    })
    expect(settings.datastore('mysql')).toMatchObject({
      tcpPorts: [{ from: 3306, to: 3306 }],
      mountPoint: '/var/lib/mysql',
      devicePath: '/dev/vdb',
      volumeSupport: true,
      usageTimeout: 1800,
    })
  })

  test('no two options have the same section and name', () => {
    const names = allOptions().map(({ section, name }) => `[${section}] ${name}`)
    expect(names.length).toBeGreaterThan(100)
    expect(new Set(names).size).toBe(names.length)
  })

  test('a manager that does not exist has no section', async () => {
    const settings = await load('[oracle]\ntcp_ports = 1521\n')
    expect(() => settings.datastore('oracle')).toThrow("No datastore is managed by 'oracle'")
    expect(() => settings.datastore('constructor')).toThrow("No datastore is managed by 'constructor'")
  })
})

describe('which file wins', () => {
  test('a later file, then the directory in order of names, then what the command line set', async () => {
    const one = await file('1.conf', '[DEFAULT]\nbind_port = 1\nbind_host = one\nregion = one\n')
    const two = await file('2.conf', '[DEFAULT]\nbind_port = 2\nbind_host = two\n')
    await file('d/b.conf', '[DEFAULT]\nbind_port = 4\n')
    await file('d/a.conf', '[DEFAULT]\nbind_port = 3\n')
    await file('d/c.txt', '[DEFAULT]\nbind_port = 5\n')
    const argv = [
      'up',
      '--config-file',
      one,
      `--config-file=${two}`,
      '--config-dir',
      join(directory, 'd'),
      '-x',
    ]
    const env = { COFFER_STATE_DIR: directory }
    expect(await loadSettings({ argv, env })).toMatchObject({ bindPort: 4, bindHost: 'two', region: 'one' })
    expect(await loadSettings({ argv, env, overrides: { bindPort: 6 } })).toMatchObject({ bindPort: 6 })
  })

  test("the state directory's own file is read, unless another one is asked for", async () => {
    await file('trove.conf', '[DEFAULT]\nreport_interval = 7\n')
    const env = { COFFER_STATE_DIR: directory }
    expect((await loadSettings({ env })).reportInterval).toBe(7)
    expect((await loadSettings({ env, files: [await file('x.conf', '')] })).reportInterval).toBe(10)
  })

  test('another state directory moves the database with it', async () => {
    const settings = await loadSettings({ env: {}, overrides: { stateDir: directory } })
    expect(settings.databaseUrl).toBe(`sqlite://${directory}/trove.sqlite`)
  })

  test('a file or directory that is asked for must be there', async () => {
    const env = { COFFER_STATE_DIR: directory }
    for (const argv of [
      ['--config-file', join(directory, 'none.conf')],
      ['--config-dir', join(directory, 'none')],
    ]) {
      await expect(loadSettings({ env, argv })).rejects.toMatchObject({
        code: 'SETTINGS_FILE_UNREADABLE',
        message: expect.stringContaining(join(directory, 'none')),
      })
    }
  })
})

describe("the book's spellings", () => {
  test('limits per user, the SQL connection in [DEFAULT], the host rule', async () => {
    expect(
      await load(`[DEFAULT]
max_instances_per_user = 55
max_volumes_per_user = 100
sql_connection = mysql://trove:pw@127.0.0.1/trove
hostname_require_ipv4 = no
trove_auth_url = http://keystone:5000/v2.0
os_region_name = RegionTwo
mount_point = /nobody/knows
[ssl]
pydev_debug = disabled
`),
    ).toMatchObject({
      maxInstancesPerTenant: 55,
      maxVolumesPerTenant: 100,
      databaseUrl: 'mysql://trove:pw@127.0.0.1/trove',
      hostnameRequireValidIp: false,
      authUrl: 'http://keystone:5000/v2.0',
      region: 'RegionTwo',
    })
  })

  test('in one file the newer spelling wins; a later file wins with either', async () => {
    const both = '[DEFAULT]\nmax_instances_per_tenant = 1\nmax_instances_per_user = 2\n'
    expect((await load(both)).maxInstancesPerTenant).toBe(1)
    const files = [
      await file('a.conf', both),
      await file('b.conf', '[DEFAULT]\nmax_instances_per_user = 3\n'),
    ]
    expect((await loadSettings({ env: { HOME: directory }, files })).maxInstancesPerTenant).toBe(3)
  })

  test('[DEFAULT] ignore_users and usage_timeout are for every datastore that has none of its own', async () => {
    const settings = await load(
      '[DEFAULT]\nignore_users = a, b\nusage_timeout = 7\n[MySQL]\nusage_timeout = 8\n',
    )
    expect(settings.datastore('postgresql')).toMatchObject({ ignoreUsers: ['a', 'b'], usageTimeout: 7 })
    expect(settings.datastore('mysql')).toMatchObject({ ignoreUsers: ['a', 'b'], usageTimeout: 8 })
  })

  test("OpenStack's ways to name a RabbitMQ", async () => {
    expect((await load('[DEFAULT]\ntransport_url = rabbit://u:p@h:5672/\n')).transportUrl).toBe(
      'amqp://u:p@h:5672/',
    )
    const kilo = '[DEFAULT]\nrabbit_host = h\nrabbit_userid = u\nrabbit_password = p@ss\n'
    expect((await load(kilo)).transportUrl).toBe('amqp://u:p%40ss@h:5672/%2F')
    const both = `${kilo}transport_url = embedded://0.0.0.0:1\n`
    expect((await load(both)).transportUrl).toBe('embedded://0.0.0.0:1')
  })
})

describe('values', () => {
  test('each type is read as oslo.config does', async () => {
    const settings = await load(`[DEFAULT]
trove_volume_support = OFF
admin_roles = admin , operator
default_datastore =
max_ram_per_tenant = +4096
bind_port =
[mysql]
tcp_ports = 3306, 33060-33062
ignore_dbs =
[qemu]
network = bridge
`)
    expect(settings).toMatchObject({
      troveVolumeSupport: false,
      adminRoles: ['admin', 'operator'],
      defaultDatastore: undefined,
      maxRamPerTenant: 4096,
      bindPort: 8779,
      qemu: { network: 'bridge', accelerator: 'auto' },
    })
    expect(settings.datastore('mysql')).toMatchObject({
      tcpPorts: [
        { from: 3306, to: 3306 },
        { from: 33060, to: 33062 },
      ],
      ignoreDbs: [],
    })
  })

  test('$name stands for another option, set or not, and for a key of the same section', async () => {
    const settings = await load(`[DEFAULT]
my_ip = 10.0.0.5
bind_host = $my_ip
public_endpoint = http://\${my_ip}:$bind_port
template_path = \${qemu.network}/$bind_host
[database]
connection = mysql://trove:pa$$my_ip$word@h/trove
`)
    expect(settings).toMatchObject({
      bindHost: '10.0.0.5',
      publicEndpoint: 'http://10.0.0.5:8779',
      templatePath: 'user/10.0.0.5',
      databaseUrl: 'mysql://trove:pa$my_ip$word@h/trove',
    })
  })

  test.each([
    ['[DEFAULT]\nbind_port = 99999', 'option bind_port in [DEFAULT]', 'from 1 to 65535'],
    ['[DEFAULT]\nbind_port = 0x10', "is '0x10'", 'a whole number'],
    ['[DEFAULT]\nreport_interval = 1.5', 'report_interval', 'a whole number'],
    ['[DEFAULT]\ntrove_volume_support = maybe', 'trove_volume_support', 'true or false'],
    ['[redis]\ntcp_ports = 6379, 7000-6000', 'option tcp_ports in [redis]', 'ports from 1 to 65535'],
    ['[qemu]\nnetwork = tap', 'option network in [qemu]', 'one of user, bridge'],
    [
      '[DEFAULT]\nbind_host = $public_endpoint\npublic_endpoint = $bind_host',
      'bind_host',
      'refers to itself',
    ],
    [
      '[DEFAULT]\nmax_instances_per_user = many',
      'option max_instances_per_user in [DEFAULT]',
      'whole number',
    ],
  ])('%j is refused by file, section and option', async (text, where, why) => {
    const failure = load(text)
    await expect(failure).rejects.toMatchObject({ code: 'SETTING_INVALID' })
    await expect(failure).rejects.toThrow(`${directory}/one.conf: option `)
    await expect(failure).rejects.toThrow(where)
    await expect(failure).rejects.toThrow(why)
  })
})
