import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commands } from '../../../../../runtime/cli/trove/commands/index.ts'
import { bookRoutes, M1, M6 } from './book-service.ts'
import { type CannedService, startCannedService } from './canned-service.ts'
import { openrc, trove } from './run.ts'

let service: CannedService
beforeAll(async () => {
  service = await startCannedService(bookRoutes)
})
beforeEach(() => {
  service.seen.length = 0
})
afterAll(() => service.stop())

const BACKUP = 'ff6398a6-e15f-4063-8c66-58f3a8528794'
const GROUP = 'dfce6dd7-f4ed-4252-869d-35f20c9a3a8f'
const CLUSTER = 'd670484f-88b4-4465-888a-3b8bc0b0bdfc'
const VERSION = '79c5e43b-d7d0-4137-af20-84d75c485c56'
const databases = [{ name: 'a' }, { name: 'b' }]

/** Command line, the request that it comes down to, and its body (contract §1). */
const requests: readonly [line: string, request: string, body?: unknown][] = [
  ['list', 'GET /instances?include_clustered=False'],
  ['list --include-clustered --limit 5 --marker x', 'GET /instances?limit=5&marker=x&include_clustered=True'],
  ['show m1', `GET /instances/${M1}`],
  [
    'create m1 2 --size 1',
    'POST /instances',
    { instance: { name: 'm1', flavorRef: 2, volume: { size: 1 } } },
  ],
  [
    'create m6 2 --size 2 --datastore mysql --datastore-version 5.5 --databases a b --users u:p:q v:w',
    'POST /instances',
    {
      instance: {
        name: 'm6',
        flavorRef: 2,
        volume: { size: 2 },
        datastore: { type: 'mysql', version: '5.5' },
        databases,
        users: [
          { name: 'u', password: 'p:q', databases },
          { name: 'v', password: 'w', databases },
        ],
      },
    },
  ],
  [
    'create r m1.big --replica_of m1 --replica_count 2 --nic net-id=n --nic port-id=p --backup backup-1 --availability_zone z --configuration special-configuration --volume_type ssd --size 1 --locality affinity',
    'POST /instances',
    {
      instance: {
        name: 'r',
        flavorRef: 'big',
        volume: { size: 1, type: 'ssd' },
        replica_of: M1,
        replica_count: 2,
        nics: [{ 'net-id': 'n' }, { 'port-id': 'p' }],
        restorePoint: { backupRef: BACKUP },
        availability_zone: 'z',
        configuration: GROUP,
        locality: 'affinity',
      },
    },
  ],
  ['update m1 --name x', `PATCH /instances/${M1}`, { instance: { name: 'x' } }],
  [
    'update m1 --configuration special-configuration',
    `PATCH /instances/${M1}`,
    { instance: { configuration: GROUP } },
  ],
  ['update m1 --remove_configuration', `PATCH /instances/${M1}`, { instance: { configuration: null } }],
  ['update m1 --detach-replica-source', `PATCH /instances/${M1}`, { instance: { slave_of: null } }],
  ['upgrade m1 5.6', `PATCH /instances/${M1}`, { instance: { datastore_version: '5.6' } }],
  ['restart m1', `POST /instances/${M1}/action`, { restart: {} }],
  ['reset-status m1', `POST /instances/${M1}/action`, { reset_status: {} }],
  ['delete m1', `DELETE /instances/${M1}`],
  ['force-delete m1', `DELETE /instances/${M1}`],
  ['database-list m1', `GET /instances/${M1}/databases`],
  ['database-create m1 d', `POST /instances/${M1}/databases`, { databases: [{ name: 'd' }] }],
  [
    'database-create m1 d --character_set utf8 --collate c',
    `POST /instances/${M1}/databases`,
    { databases: [{ name: 'd', character_set: 'utf8', collate: 'c' }] },
  ],
  ['database-delete m1 chapter_3_db', `DELETE /instances/${M1}/databases/chapter_3_db`],
  ['user-list m1', `GET /instances/${M1}/users`],
  [
    'user-create m1 u p --host h --databases a b',
    `POST /instances/${M1}/users`,
    { users: [{ name: 'u', password: 'p', host: 'h', databases }] },
  ],
  [
    'user-create m1 u p',
    `POST /instances/${M1}/users`,
    { users: [{ name: 'u', password: 'p', databases: [] }] },
  ],
  ['user-delete m1 user1', `DELETE /instances/${M1}/users/user1`],
  ['user-delete m1 user1 --host 10.0.0.1', `DELETE /instances/${M1}/users/user1%4010%2e0%2e0%2e1`],
  ['user-show m1 user1', `GET /instances/${M1}/users/user1`],
  ['user-show-access m1 user1', `GET /instances/${M1}/users/user1/databases`],
  ['user-grant-access m1 user1 a b', `PUT /instances/${M1}/users/user1/databases`, { databases }],
  [
    'user-revoke-access m1 user1 chapter_3_db_1',
    `DELETE /instances/${M1}/users/user1/databases/chapter_3_db_1`,
  ],
  [
    'user-update-attributes m1 user1 --new_name x --new_password y --new_host z',
    `PUT /instances/${M1}/users/user1`,
    { user: { name: 'x', password: 'y', host: 'z' } },
  ],
  ['root-enable m1', `POST /instances/${M1}/root`],
  ['root-enable m1 --root_password x', `POST /instances/${M1}/root`, { password: 'x' }],
  ['root-show m1', `GET /instances/${M1}/root`],
  ['root-disable m1', `DELETE /instances/${M1}/root`],
  ['datastore-list', 'GET /datastores'],
  ['datastore-show mysql', 'GET /datastores/mysql'],
  ['datastore-version-list mysql', 'GET /datastores/mysql/versions'],
  ['datastore-version-show 5.5 --datastore mysql', 'GET /datastores/mysql/versions/5.5'],
  [`datastore-version-show ${VERSION}`, `GET /datastores/versions/${VERSION}`],
  ['flavor-list', 'GET /flavors'],
  [
    'flavor-list --datastore_type mysql --datastore_version_id 5.5',
    'GET /datastores/mysql/versions/5.5/flavors',
  ],
  ['flavor-show 2', 'GET /flavors/2'],
  ['backup-list --datastore mysql', 'GET /backups?datastore=mysql'],
  ['backup-list-instance m1', `GET /instances/${M1}/backups`],
  ['backup-show backup-1', `GET /backups/${BACKUP}`],
  ['backup-create m1 b', 'POST /backups', { backup: { name: 'b', instance: M1 } }],
  [
    'backup-create m1 b --parent backup-1 --description d',
    'POST /backups',
    { backup: { name: 'b', instance: M1, description: 'd', parent_id: BACKUP } },
  ],
  [
    'backup-create m1 b --incremental',
    'POST /backups',
    { backup: { name: 'b', instance: M1, incremental: 1 } },
  ],
  [
    'backup-copy c backup-1 --region r',
    'POST /backups',
    { backup: { name: 'c', backup: { id: BACKUP, region: 'r' } } },
  ],
  ['backup-delete backup-1', `DELETE /backups/${BACKUP}`],
  ['configuration-list', 'GET /configurations'],
  ['configuration-show special-configuration', `GET /configurations/${GROUP}`],
  [
    'configuration-create n {"a":18446744073709551615} --datastore mysql --datastore_version 5.5 --description d',
    'POST /configurations',
    {
      configuration: {
        name: 'n',
        values: { a: Number('18446744073709551615') },
        description: 'd',
        datastore: { type: 'mysql', version: '5.5' },
      },
    },
  ],
  [
    'configuration-patch special-configuration {"a":1}',
    `PATCH /configurations/${GROUP}`,
    { configuration: { values: { a: 1 } } },
  ],
  [
    'configuration-update special-configuration {"a":1} --name x',
    `PUT /configurations/${GROUP}`,
    { configuration: { values: { a: 1 }, name: 'x' } },
  ],
  ['configuration-delete special-configuration', `DELETE /configurations/${GROUP}`],
  [
    'configuration-attach m1 special-configuration',
    `PUT /instances/${M1}`,
    { instance: { configuration: GROUP } },
  ],
  ['configuration-detach m1', `PUT /instances/${M1}`, { instance: {} }],
  ['configuration-instances special-configuration', `GET /configurations/${GROUP}/instances`],
  ['configuration-default m1', `GET /instances/${M1}/configuration`],
  ['configuration-parameter-list 5.5 --datastore mysql', 'GET /datastores/mysql/versions/5.5/parameters'],
  [
    `configuration-parameter-show ${VERSION} autocommit`,
    `GET /datastores/versions/${VERSION}/parameters/autocommit`,
  ],
  ['detach-replica m1', `PATCH /instances/${M1}`, { instance: { slave_of: null } }],
  ['eject-replica-source m1', `POST /instances/${M1}/action`, { eject_replica_source: {} }],
  ['promote-to-replica-source m1', `POST /instances/${M1}/action`, { promote_to_replica_source: {} }],
  ['resize-instance m1 2', `POST /instances/${M1}/action`, { resize: { flavorRef: 2 } }],
  ['resize-flavor m1 m1.big', `POST /instances/${M1}/action`, { resize: { flavorRef: 'big' } }],
  ['resize-volume m1 4', `POST /instances/${M1}/action`, { resize: { volume: { size: 4 } } }],
  ['cluster-list', 'GET /clusters'],
  ['cluster-show mongo1', `GET /clusters/${CLUSTER}`],
  ['cluster-instances mongo1', `GET /clusters/${CLUSTER}`],
  [
    "cluster-create c1 mongodb 2.4.9 --instance flavor_id=2,volume=1 --instance flavor=2,volume=1,nic='net-id=n,v4-fixed-ip=1.2.3.4',type=member",
    'POST /clusters',
    {
      cluster: {
        name: 'c1',
        datastore: { type: 'mongodb', version: '2.4.9' },
        instances: [
          { flavorRef: '2', volume: { size: 1 } },
          {
            flavorRef: '2',
            volume: { size: 1 },
            type: 'member',
            nics: [{ 'net-id': 'n', 'v4-fixed-ip': '1.2.3.4' }],
          },
        ],
      },
    },
  ],
  [
    'cluster-grow mongo1 --instance flavor=2,volume=1',
    `POST /clusters/${CLUSTER}`,
    { grow: [{ flavorRef: '2', volume: { size: 1 } }] },
  ],
  ['cluster-shrink mongo1 m1 m6', `POST /clusters/${CLUSTER}`, { shrink: [{ id: M1 }, { id: M6 }] }],
  ['cluster-upgrade mongo1 3.0', `POST /clusters/${CLUSTER}`, { upgrade: { datastore_version: '3.0' } }],
  ['cluster-reset-status mongo1', `POST /clusters/${CLUSTER}`, { 'reset-status': {} }],
  ['cluster-delete mongo1', `DELETE /clusters/${CLUSTER}`],
  ['cluster-force-delete mongo1', `DELETE /clusters/${CLUSTER}`],
  ['log-list m1', `GET /instances/${M1}/log`],
  ['log-show m1 general', `POST /instances/${M1}/log`, { name: 'general' }],
  ['log-enable m1 general', `POST /instances/${M1}/log`, { name: 'general', enable: 1 }],
  [
    'log-disable m1 general --discard',
    `POST /instances/${M1}/log`,
    { name: 'general', disable: 1, discard: 1 },
  ],
  [
    'log-publish m1 general --disable',
    `POST /instances/${M1}/log`,
    { name: 'general', publish: 1, disable: 1 },
  ],
  ['log-discard m1 general', `POST /instances/${M1}/log`, { name: 'general', discard: 1 }],
  ['limit-list', 'GET /limits'],
  ['quota-show t1', 'GET /mgmt/quotas/t1'],
  ['quota-update t1 instances -1', 'PUT /mgmt/quotas/t1', { quotas: { instances: -1 } }],
  ['secgroup-list', 'GET /security-groups'],
  ['secgroup-show g1', 'GET /security-groups/g1'],
  ['secgroup-list-rules g1', 'GET /security-groups/g1'],
  [
    'secgroup-add-rule g1 10.0.0.0/24',
    'POST /security-group-rules',
    { security_group_rule: { group_id: 'g1', cidr: '10.0.0.0/24' } },
  ],
  ['secgroup-delete-rule r1', 'DELETE /security-group-rules/r1'],
  ['metadata-list m1', `GET /instances/${M1}/metadata`],
  ['metadata-show m1 k', `GET /instances/${M1}/metadata/k`],
  ['metadata-create m1 k v', `POST /instances/${M1}/metadata/k`, { metadata: { value: 'v' } }],
  ['metadata-edit m1 k v', `PATCH /instances/${M1}/metadata/k`, { metadata: { value: 'v' } }],
  ['metadata-update m1 k n v', `PUT /instances/${M1}/metadata/k`, { metadata: { key: 'n', value: 'v' } }],
  ['metadata-delete m1 k', `DELETE /instances/${M1}/metadata/k`],
]

/** What the service of this test does not have; the command prints the service's own fault. */
const ABSENT = /^(metadata-|flavor-list --|user-delete .*--host)/

test.each(requests)('trove %s', async (line, request, body) => {
  const ran = await trove(line, openrc(service.url))
  const last = service.seen.at(-1)
  expect(`${last?.method} ${last?.path}`).toBe(request)
  expect(last?.body).toEqual(body)
  expect(ran).toMatchObject(
    ABSENT.test(line)
      ? { code: 1, stdout: '', stderr: 'ERROR: The resource could not be found. (HTTP 404)\n' }
      : { code: 0 },
  )
})

test('every subcommand is tried above', () => {
  const tried = new Set(requests.map(([line]) => line.split(' ')[0]))
  expect(commands.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([])
})

test('every subcommand of the book’s table B-1 is there', () => {
  const book = `backup-copy backup-create backup-delete backup-list backup-list-instance backup-show cluster-create cluster-delete
    cluster-instances cluster-list cluster-show configuration-attach configuration-create configuration-default configuration-delete
    configuration-detach configuration-instances configuration-list configuration-parameter-list configuration-parameter-show
    configuration-patch configuration-show configuration-update create list restart show update delete database-create
    database-delete database-list user-create user-delete user-grant-access user-list user-revoke-access user-show user-show-access
    user-update-attributes root-enable root-show datastore-list datastore-show datastore-version-list datastore-version-show
    detach-replica eject-replica-source promote-to-replica-source flavor-list flavor-show limit-list metadata-create metadata-delete
    metadata-edit metadata-list metadata-show metadata-update resize-instance resize-volume secgroup-add-rule secgroup-delete-rule
    secgroup-list secgroup-list-rules secgroup-show`
  const names = new Set(commands.map(({ name }) => name))
  expect(book.split(/\s+/).filter((name) => !names.has(name))).toEqual([])
})

describe('large numbers', () => {
  test('of configuration values reach the service with every digit', async () => {
    const ran = await trove('--debug configuration-create n {"a":18446744073709551615}', openrc(service.url))
    expect(ran.stderr).toContain('"values":{"a":18446744073709551615}')
  })
})

describe('what is refused before anything is asked', () => {
  test.each([
    ['create m 2 --size big', "ERROR: --size: 'big' is not a whole number\n"],
    ['create m 2 --users nopassword', 'ERROR: --users: each user must be given as <user:password>\n'],
    ['create m 2 --nic x=y', "ERROR: Invalid NIC argument: nic='x=y'."],
    ['configuration-create n nonsense', 'ERROR: The values must be a JSON object: '],
    ['configuration-create n [1]', 'ERROR: The values must be a JSON object: they are not an object\n'],
    ['cluster-create c mysql 5.5', 'ERROR: Missing argument(s): instance\n'],
    [
      'cluster-create c mysql 5.5 --instance volume=1',
      "ERROR: Missing option 'flavor' for argument --instance\n",
    ],
    [
      'cluster-create c mysql 5.5 --instance flavour=1',
      "ERROR: Invalid 'flavour=1' in argument --instance\n",
    ],
    ['datastore-version-show 5.5', 'ERROR: The datastore name or id is required'],
    ['user-update-attributes m1 user1', 'ERROR: No updates specified for user user1\n'],
    [
      'update m1 --configuration c --remove_configuration',
      'ERROR: --configuration and --remove_configuration cannot',
    ],
    [
      'flavor-list --datastore_type mysql',
      'ERROR: --datastore_type and --datastore_version_id must be given together\n',
    ],
    ['resize-volume m1 more', "ERROR: <size>: 'more' is not a whole number\n"],
    ['datastore-show ..', "ERROR: '..' cannot be a name or an ID\n"],
  ])('%s', async (line, message) => {
    const ran = await trove(line, openrc(service.url))
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr.slice(0, message.length)).toBe(message)
    expect(service.seen).toEqual([])
  })

  test('a database named .. does not become its instance', async () => {
    expect((await trove('database-delete m1 ..', openrc(service.url))).code).toBe(1)
    expect((await trove(['user-delete', 'm1', ''], openrc(service.url))).code).toBe(1)
    expect(service.calls().filter((call) => call.startsWith('DELETE'))).toEqual([])
  })
})

describe('delete', () => {
  test('of several instances goes on after one that is not there, and fails at the end', async () => {
    expect(await trove('delete m1 nope m6', openrc(service.url))).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'Request to delete instance m1 has been accepted.',
        "No instance with a name or ID of 'nope' exists.",
        'Request to delete instance m6 has been accepted.',
        'ERROR: Unable to delete the specified instance(s).',
        '',
      ].join('\n'),
    })
  })

  test('force-delete first makes the instance deletable', async () => {
    await trove('force-delete m1', openrc(service.url))
    expect(service.calls().slice(-2)).toEqual([`POST /instances/${M1}/action`, `DELETE /instances/${M1}`])
  })
})
