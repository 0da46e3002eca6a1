// Debian's unmodified python3-openstackclient and python3-troveclient (8.0.0) against `coffer up`, as an administrator and as a
// tenant use them. Only the machines are fake: their guests run the real agent, over the real hub. A page holds six instances.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { readOpenrc } from './control-support.ts'
import { anyUuid, commandsFor, expectCleanLog, type Row, type Shown } from './openstack-database-commands.ts'
import { type Service, startService } from './openstack-database-service.ts'
import { tableOf } from './openstack-database-text.ts'

let service: Service
let image: string
const { openstack, json, refusal, trove, idOf, becomes, used, pages } = commandsFor(() => service)

beforeAll(async () => {
  service = await startService()
  image = await service.image('mysql')
})
afterAll(() => service?.stop())

const anyTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)

test('the clients answer as the programs of their packages', async () => {
  const env = { ...(await readOpenrc(`${service.stateDir}/openrc`)), PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' }
  for (const args of [
    ['database', 'flavor', 'list'],
    ['database', 'instance', 'show', 'nobody'],
  ]) {
    const { exitCode, stdout, stderr } = await run(['openstack', ...args], { env, check: false })
    expect(await service.client.openstack(...args)).toEqual({ exitCode, stdout, stderr })
  }
  const { exitCode, stdout, stderr } = await run(['trove', 'flavor-list'], { env, check: false })
  expect(await service.client.trove('flavor-list')).toEqual({ exitCode, stdout, stderr })
})

describe('an administrator', () => {
  test('registers a datastore version, and makes it the default', async () => {
    expect(await json('datastore list')).toEqual([])
    await openstack(`datastore version create 9.7 mysql mysql ${image} --active --default`)
    expect(await json('datastore list')).toEqual([{ ID: anyUuid, Name: 'mysql' }])
    const [version] = await json<Row[]>('datastore version list mysql')
    expect(version).toEqual({ ID: anyUuid, Name: '9.7', Version: '9.7' })
    const datastore = {
      id: anyUuid,
      name: 'mysql',
      default_version: '9.7',
      'versions (id)': `9.7 (${version?.ID})`,
    }
    expect(await json('datastore show mysql')).toEqual(datastore)
    const [{ ID: datastoreId = '' } = {}] = await json<Partial<Row>[]>('datastore list')
    expect(await json(`datastore show ${datastoreId}`)).toEqual(datastore)
    const shown = { id: version?.ID, name: '9.7', version: '9.7', active: true, image, packages: '' }
    expect(await json('datastore version show 9.7 --datastore mysql')).toMatchObject(shown)
    expect(await json(`datastore version show ${version?.ID}`)).toMatchObject(shown)
    expect(await refusal(`datastore version create 9.7 mysql mysql ${image}`)).toBe(
      "Failed to create datastore version 9.7: The datastore version '9.7(9.7)' already exists. (HTTP 400)",
    )
  })

  test('changes a version, retires it and deletes it with its datastore', async () => {
    await openstack(`datastore version create 10.11 mariadb mariadb ${image} --version-number 10.11.19`)
    expect(await json('datastore version list mariadb')).toEqual([
      { ID: anyUuid, Name: '10.11', Version: '10.11.19' },
    ])
    const [{ ID: id = '' } = {}] = await json<Partial<Row>[]>('datastore version list mariadb')
    expect(await json(`datastore version show ${id}`)).toMatchObject({ active: false })
    await openstack(`datastore version set ${id} --enable --default --version-name lts`)
    expect(await json('datastore version show lts --datastore mariadb')).toMatchObject({ id, active: true })
    expect(await json('datastore show mariadb')).toMatchObject({ default_version: 'lts' })
    expect(await refusal('datastore delete mariadb')).toBe(
      'Failed to delete datastore mariadb: Datastore versions exist for datastore mariadb. (HTTP 400)',
    )
    await openstack(`datastore version delete ${id}`)
    await openstack('datastore delete mariadb')
    expect(await json<Row[]>('datastore list')).toHaveLength(1)
  })

  test('loads the parameters that configuration groups may set', async () => {
    const rules = new URL('../../registry/datastores/mysql/validation-rules.json', import.meta.url).pathname
    const load = ['db_load_datastore_config_parameters', 'mysql', '9.7', rules]
    expect((await service.ours('trove-manage', ...load)).exitCode).toBe(0)
    const parameters = await json<Record<string, unknown>[]>(
      'database configuration parameter list 9.7 --datastore mysql',
    )
    expect(parameters).toContainEqual({
      Name: 'autocommit',
      Type: 'integer',
      'Min Size': 0,
      'Max Size': 1,
      'Restart Required': false,
    })
    const [{ ID: id = '' } = {}] = await json<Partial<Row>[]>('datastore version list mysql')
    expect(await json(`database configuration parameter list ${id}`)).toEqual(parameters)
    expect(await json(`database configuration parameter show ${id} autocommit`)).toMatchObject({
      name: 'autocommit',
      type: 'integer',
      min: 0,
      max: 1,
      restart_required: false,
      datastore_version_id: id,
    })
  })

  test('shows flavors, limits and quotas, and sets a quota', async () => {
    expect(await json('database flavor list')).toEqual([
      { ID: 1, Name: 'm1.tiny', RAM: 512, vCPUs: 1, Disk: 1, Ephemeral: 0 },
      { ID: 2, Name: 'm1.small', RAM: 2048, vCPUs: 1, Disk: 20, Ephemeral: 0 },
      { ID: 3, Name: 'm1.medium', RAM: 4096, vCPUs: 2, Disk: 40, Ephemeral: 0 },
    ])
    const small = { id: 2, name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0 }
    expect(await json('database flavor show m1.small')).toEqual(small)
    expect(await json('database flavor show 2')).toEqual(small)
    const [{ ID: version = '' } = {}] = await json<Partial<Row>[]>('datastore version list mysql')
    expect(
      await json(`database flavor list --datastore-type mysql --datastore-version-id ${version}`),
    ).toHaveLength(3)

    expect(await json('database quota update admin instances 7')).toEqual({ instances: 7 })
    expect(await json('database quota show admin')).toEqual([
      { Resource: 'backups', 'In Use': 0, Reserved: 0, Limit: 50 },
      { Resource: 'instances', 'In Use': 0, Reserved: 0, Limit: 7 },
      { Resource: 'ram', 'In Use': 0, Reserved: 0, Limit: -1 },
      { Resource: 'volumes', 'In Use': 0, Reserved: 0, Limit: 40 },
    ])
    expect(await refusal('database quota update admin cats 2')).toBe(
      "Unknown quota resources ['cats']. (HTTP 404)",
    )
    // The absolute limits come as a table before the rates.
    const limits = await openstack('database limit list -f json')
    expect(tableOf(limits)).toEqual([
      ['Property', 'Value'],
      ['max_backups', '50'],
      ['max_instances', '7'],
      ['max_ram', '-1'],
      ['max_volumes', '40'],
      ['verb', 'ABSOLUTE'],
    ])
    const rates = JSON.parse(limits.slice(limits.indexOf('\n[') + 1)) as { Verb: string; Value: number }[]
    expect(rates.map(({ Verb, Value }) => [Verb, Value])).toEqual([
      ['POST', 4000],
      ['PUT', 3000],
      ['DELETE', 2000],
      ['GET', 5000],
      ['POST', 200],
    ])
    expect(rates[3]).toMatchObject({ Remaining: expect.any(Number), Unit: 'MINUTE' })
  })
})

describe('an instance', () => {
  test('is created by the name of its flavor, and says at once that it is being built', async () => {
    const created = await json<Shown>(
      'database instance create m1 --flavor m1.small --size 2 --datastore mysql --datastore-version 9.7 --nic net-id=any --databases shop stock --users ann:pw-ann',
    )
    expect(created).toMatchObject({
      id: anyUuid,
      name: 'm1',
      status: 'BUILD',
      flavor: '2',
      volume: 2,
      datastore: 'mysql',
      datastore_version: '9.7',
      datastore_version_number: '9.7',
      public: false,
      region: 'RegionOne',
      created: anyTime,
      updated: anyTime,
    })
    expect(created).not.toHaveProperty('fault')
    await becomes('m1', 'ACTIVE')
    const shown = await json<Shown>('database instance show m1')
    expect(shown).toMatchObject({
      id: created.id,
      operating_status: 'ACTIVE',
      ip: expect.stringMatching(/^198\.18\./),
    })
    expect(await json(`database instance show ${created.id}`)).toMatchObject({ id: created.id, name: 'm1' })
    expect(await json<Row[]>('database instance list')).toEqual([
      {
        ID: created.id,
        Name: 'm1',
        Datastore: 'mysql',
        'Datastore Version': '9.7',
        Status: 'ACTIVE',
        'Operating Status': 'ACTIVE',
        Public: false,
        Addresses: [{ address: expect.stringMatching(/^198\.18\./), type: 'private' }],
        'Flavor ID': '2',
        Size: 2,
        Role: '',
      },
    ])
    expect(await json('database instance list --all-projects')).toMatchObject([
      { Name: 'm1', 'Server ID': anyUuid, 'Tenant ID': expect.stringMatching(/^[0-9a-f]{32}$/) },
    ])
    expect(await json(`database configuration default ${created.id}`)).toMatchObject({ port: '3306' })
    expect(await used()).toEqual({ instances: 1, volumes: 2, ram: 2048, backups: 0 })
  })

  test('is created with the default datastore where none is named', async () => {
    await openstack('database instance create m2 --flavor 1 --size 1')
    await becomes('m2', 'ACTIVE')
    expect(await json('database instance show m2')).toMatchObject({
      datastore: 'mysql',
      datastore_version: '9.7',
      flavor: '1',
    })
  })

  test('is found by whatever name it has', async () => {
    const id = await idOf('m2')
    const shells = async (name: string) => {
      expect(await json('database instance show', name)).toMatchObject({ id, name })
      expect(await trove('show', name)).toContainEqual(['id', id])
    }
    for (const name of ['50% off & "more"', 'what?', '#2', 'a/b', 'zoë', '1', '%41', '..a']) {
      await openstack(`database instance update ${id} --name`, name)
      await shells(name)
    }
    await openstack(`database instance update ${id} --name m2`)
  })

  test('restarts', async () => {
    await openstack('database instance restart m1')
    await becomes('m1', 'ACTIVE')
    const m1 = await idOf('m1')
    await openstack(`database instance restart ${m1}`)
    await becomes('m1', 'ACTIVE')
    expect(await json('database db list m1')).toEqual([{ Name: 'shop' }, { Name: 'stock' }])
  })

  test('gets another name, by its old name or its id', async () => {
    await openstack('database instance update m2 --name orders')
    const id = await idOf('orders')
    expect(await refusal('database instance show m2')).toBe("No instance with a name or ID of 'm2' exists.")
    await openstack(`database instance update ${id} --name m2`)
    expect(await idOf('m2')).toBe(id)
  })

  test('is listed page by page', async () => {
    for (const name of ['m3', 'm4', 'm5', 'm6', 'm7']) {
      await openstack(`database instance create ${name} --flavor 1 --size 1`)
    }
    const seen = await pages(2)
    expect(seen.map(({ Name }) => Name).toSorted()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'])
    expect(new Set(seen.map(({ ID }) => ID)).size).toBe(7)
    // No page is longer than the service's own limit.
    expect(await json('database instance list --limit 100')).toHaveLength(6)
  })

  test('beyond the quota is refused', async () => {
    expect(await refusal('database instance create m8 --flavor 1 --size 1')).toBe(
      "Quota exceeded for resources: ['instances']. (HTTP 413)",
    )
    expect(await used()).toEqual({ instances: 7, volumes: 8, ram: 2048 + 6 * 512, backups: 0 })
  })

  test('is deleted by name or id, several at once, when it is built', async () => {
    await expect
      .poll(async () => (await pages(4)).map(({ Status }) => Status), { timeout: 20_000 })
      .toEqual(Array(7).fill('ACTIVE'))
    const ids = new Map((await pages(3)).map(({ ID, Name }) => [Name, ID]))
    const [m6, m7] = [ids.get('m6') ?? '', ids.get('m7') ?? '']
    expect(await openstack(`database instance delete ${m6} ${m7}`)).toBe(
      [m6, m7].map((id) => `Request to delete database instance ${id} has been accepted.\n`).join(''),
    )
    await expect.poll(async () => (await pages(6)).length, { timeout: 20_000 }).toBe(5)
    await openstack('database instance delete m5')
    await expect
      .poll(used, { timeout: 20_000 })
      .toEqual({ instances: 4, volumes: 5, ram: 2048 + 3 * 512, backups: 0 })
  })
})

describe('what is not there', () => {
  test('is said to be missing', async () => {
    expect(await refusal('database instance show nobody')).toBe(
      "No instance with a name or ID of 'nobody' exists.",
    )
    expect(await refusal('database instance show 4711')).toBe(
      "No instance with a name or ID of '4711' exists.",
    )
    expect(await refusal('database flavor show nothing')).toBe(
      "No flavor with a name or ID of 'nothing' exists.",
    )
    expect(await refusal('datastore show nothing')).toBe(
      "No datastore with a name or ID of 'nothing' exists.",
    )
    expect(await refusal('datastore version show nothing --datastore mysql')).toBe(
      "Datastore version 'nothing' cannot be found. (HTTP 400)",
    )
    expect(await refusal('database instance create m9 --flavor 1 --size 1 --datastore oracle')).toBe(
      "Datastore 'oracle' cannot be found. (HTTP 404)",
    )
    expect(await refusal('database configuration parameter show 9.7 nothing --datastore mysql')).toContain(
      'cannot be found. (HTTP 404)',
    )
  })

  test.each([
    'database backup list',
    'database backup list instance m1',
    'database backup strategy list',
    'database configuration list',
    'database cluster list',
  ])('%s is empty', async (line) => {
    expect(await json(line)).toEqual([])
  })

  test.each(['backup', 'configuration', 'cluster'])('a %s is not found by any name', async (family) => {
    expect(await refusal(`database ${family} show nothing`)).toBe(
      `No ${family} with a name or ID of 'nothing' exists.`,
    )
  })

  test.each([
    ['database instance resize volume m1 5', 'Resizing an instance is'],
    ['database instance resize flavor m1 3', 'Resizing an instance is'],
    ['database configuration create c1 {} --datastore mysql', 'Configuration groups are'],
    ['database backup create b1 --instance m1', 'Backups are'],
  ])('%s says that it comes later', async (line, what) => {
    expect(await refusal(line)).toBe(`${what} not implemented by this service yet. (HTTP 501)`)
  })
})

describe('a tenant', () => {
  const eve = '--os-username eve --os-password pw-eve --os-project-name team'

  test('sees nothing of the others, and administers nothing', async () => {
    await openstack('project create team')
    await openstack('user create eve --project team --password pw-eve')
    await openstack('role add --project team --user eve member')
    const m1 = await idOf('m1')
    expect(await json(`${eve} database instance list`)).toEqual([])
    for (const name of ['m1', m1]) {
      expect(await refusal(`${eve} database instance show ${name}`)).toBe(
        `No instance with a name or ID of '${name}' exists.`,
      )
    }
    expect(await refusal(`${eve} database instance list --all-projects`)).toBe(
      'User does not have admin privileges. (HTTP 401)',
    )
    expect(await json(`${eve} datastore version list mysql`)).toHaveLength(1)
    expect((await json<Row[]>(`${eve} database flavor list`)).length).toBe(3)
  })

  test('has instances of their own', async () => {
    await openstack(`${eve} database instance create m1 --flavor 1 --size 1`)
    const [mine] = await json<Row[]>(`${eve} database instance list`)
    expect(mine?.ID).not.toBe(await idOf('m1'))
    await expect
      .poll(() => json(`${eve} database instance list`), { timeout: 20_000 })
      .toMatchObject([{ Status: 'ACTIVE' }])
    const { id: project } = await json<Shown>('project show team')
    expect(await json<Row[]>(`database instance list --project-id ${project}`)).toMatchObject([
      { ID: mine?.ID, 'Tenant ID': project },
    ])
    expect(await refusal(`${eve} database instance reset status m1`)).toContain('(HTTP 403)')
    await openstack(`${eve} database instance delete m1`)
    await expect.poll(() => json(`${eve} database instance list`), { timeout: 20_000 }).toEqual([])
  })
})

describe('the end', () => {
  test('may be forced on an instance', async () => {
    await openstack('database instance reset status m2')
    await becomes('m2', 'ERROR')
    await openstack('database instance delete m2 --force')
    await openstack('database instance force delete m3')
    await openstack(`database instance force delete ${await idOf('m4')}`)
    await openstack('database instance delete m1')
  })

  test('leaves nothing behind', async () => {
    await expect.poll(() => json('database instance list'), { timeout: 20_000 }).toEqual([])
    expect(await used()).toEqual({ instances: 0, volumes: 0, ram: 0, backups: 0 })
    await expect.poll(() => service.machines(), { timeout: 20_000 }).toEqual({ servers: 0, volumes: 0 })
    expect(await json('database instance list --all-projects')).toEqual([])
  })

  test('shows no error in the log, and no password', () => expectCleanLog(service, /pw-(ann|eve)/))
})
