// The replies of a service in the state of the book's chapters 3 and 5: its ids, names and figures.
import type { Routes } from './canned-service.ts'

export const M1 = 'd92c7a01-dc16-48d4-80e0-cb57d8a5040a'
export const M6 = '64f32200-9da1-44af-b6c6-5e5b01ec0398'
const MYSQL = '170c8cce-15c0-497c-a148-d9120cc0630f'
const PERCONA = 'c523235f-f977-45a5-b5bd-8a3a1e486e3e'
const MYSQL_55 = '79c5e43b-d7d0-4137-af20-84d75c485c56'
const links: unknown[] = []

const listed = (id: string, name: string, status: string, size: number, ip?: string) => ({
  id,
  name,
  status,
  links,
  flavor: { id: '2', links },
  datastore: { type: 'mysql', version: '5.5' },
  volume: { size },
  region: 'RegionOne',
  ...(ip === undefined ? {} : { ip: [ip] }),
})

export const m1 = {
  ...listed(M1, 'm1', 'ACTIVE', 3, '10.0.0.2'),
  created: '2015-03-18T18:14:43',
  updated: '2015-03-18T18:14:49',
  volume: { size: 3, used: 0.17 },
}
export const m6 = {
  ...listed(M6, 'm6', 'BUILD', 2),
  created: '2015-03-18T18:19:55',
  updated: '2015-03-18T18:19:55',
  password: 'xQ6wyJCUZzhjVrkNeRtQpCYeh2XcQEfbY8Cf',
}
const { password: _, ...m6Shown } = m6
const mysql55 = {
  id: MYSQL_55,
  name: '5.5',
  links,
  datastore: MYSQL,
  active: true,
  packages: 'mysql-server-5.5',
  image: 'bc014926-31df-4bff-8d4e-a6547d56af02',
}
const mysql = { id: MYSQL, name: 'mysql', links, default_version: MYSQL_55, versions: [mysql55] }
const percona = { id: PERCONA, name: 'percona', links, versions: [] }
const small = { id: 2, str_id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0, links }
const backup = {
  id: 'ff6398a6-e15f-4063-8c66-58f3a8528794',
  name: 'backup-1',
  description: null,
  instance_id: M1,
  parent_id: null,
  size: null,
  status: 'NEW',
  created: '2015-04-19T21:59:50',
  updated: '2015-04-19T21:59:50',
  locationRef: null,
  datastore: { type: 'mysql', version: '5.6', version_id: 'a5ec21dc-3a5b-41c8-97fe-4fc3ed007023' },
}
const group = {
  id: 'dfce6dd7-f4ed-4252-869d-35f20c9a3a8f',
  name: 'special-configuration',
  description: 'illustrate a special configuration group',
  datastore_name: 'mysql',
  datastore_version_name: '5.6',
  datastore_version_id: 'b39198b7-6791-4ed2-ab27-e2b9bac3f7b1',
  datastore_version_number: '5.6',
  created: '2015-04-24T12:04:09',
  updated: '2015-04-24T12:04:09',
  instance_count: 0,
  values: { wait_timeout: 240, max_connections: 200 },
}
const cluster = {
  id: 'd670484f-88b4-4465-888a-3b8bc0b0bdfc',
  name: 'mongo1',
  created: '2015-04-20T21:12:08',
  updated: '2015-04-20T21:12:08',
  links,
  task: { id: 2, name: 'BUILDING', description: 'Building the initial cluster.' },
  datastore: { type: 'mongodb', version: '2.4.9' },
  ip: ['10.0.0.4'],
  instances: [
    {
      id: '27097848-a01d-4659-b845-c335a4590fc8',
      name: 'mongo1-rs1-1',
      links,
      type: 'member',
      status: 'BUILD',
      volume: { size: 4 },
      flavor: { id: '10', links },
    },
  ],
}
const parameters = [
  {
    name: 'autocommit',
    type: 'integer',
    min: 0,
    max: 1,
    restart_required: false,
    datastore_version_id: MYSQL_55,
  },
  {
    name: 'innodb_open_files',
    type: 'integer',
    min: 10,
    restart_required: true,
    datastore_version_id: MYSQL_55,
  },
]
const group1 = {
  id: 'g1',
  name: 'SecGroup_m1',
  description: 'Security Group for m1',
  instance_id: M1,
  rules: [{ id: 'r1', from_port: 3306, to_port: 3306, protocol: 'tcp', cidr: '0.0.0.0/0' }],
  created: '2015-03-18T18:14:43',
  updated: null,
  links,
}
const accepted = { status: 202 }

export const bookRoutes: Routes = {
  'GET /instances': {
    body: { instances: [listed(M1, 'm1', 'ACTIVE', 3, '10.0.0.2'), listed(M6, 'm6', 'BUILD', 2)] },
  },
  'POST /instances': { body: { instance: m6 } },
  [`GET /instances/${M1}`]: { body: { instance: m1 } },
  [`GET /instances/${M6}`]: { body: { instance: m6Shown } },
  [`DELETE /instances/${M1}`]: accepted,
  [`DELETE /instances/${M6}`]: accepted,
  [`PATCH /instances/${M1}`]: accepted,
  [`PUT /instances/${M1}`]: accepted,
  [`POST /instances/${M1}/action`]: accepted,
  [`GET /instances/${M1}/databases`]: {
    body: { databases: [{ name: 'chapter_3_db' }, { name: 'performance_schema' }] },
  },
  [`POST /instances/${M1}/databases`]: accepted,
  [`DELETE /instances/${M1}/databases/chapter_3_db`]: accepted,
  [`GET /instances/${M1}/users`]: {
    body: {
      users: [
        { name: 'user1', host: '%', databases: [{ name: 'chapter_3_db_1' }, { name: 'chapter_3_db_2' }] },
        { name: 'user3', host: '%', databases: [] },
      ],
    },
  },
  [`POST /instances/${M1}/users`]: accepted,
  [`GET /instances/${M1}/users/user1`]: {
    body: {
      user: { name: 'user1', host: '%', databases: [{ name: 'chapter_3_db_1' }, { name: 'chapter_3_db_2' }] },
    },
  },
  [`PUT /instances/${M1}/users/user1`]: accepted,
  [`DELETE /instances/${M1}/users/user1`]: accepted,
  [`GET /instances/${M1}/users/user1/databases`]: {
    body: { databases: [{ name: 'chapter_3_db_1' }, { name: 'chapter_3_db_2' }] },
  },
  [`PUT /instances/${M1}/users/user1/databases`]: accepted,
  [`DELETE /instances/${M1}/users/user1/databases/chapter_3_db_1`]: accepted,
  [`GET /instances/${M1}/root`]: { body: { rootEnabled: false } },
  [`POST /instances/${M1}/root`]: {
    body: { user: { name: 'root', password: 'dAyPj7X24acJAgWtCsTjACEgPX2g6c4cGvhR' } },
  },
  [`DELETE /instances/${M1}/root`]: { status: 204 },
  [`GET /instances/${M1}/backups`]: { body: { backups: [backup] } },
  [`GET /instances/${M1}/configuration`]: {
    body: { instance: { configuration: { basedir: '/usr', connect_timeout: '15' } } },
  },
  'GET /backups': { body: { backups: [backup] } },
  'POST /backups': { status: 202, body: { backup } },
  [`GET /backups/${backup.id}`]: { body: { backup } },
  [`DELETE /backups/${backup.id}`]: accepted,
  'GET /datastores': { body: { datastores: [mysql, percona] } },
  [`GET /datastores/${MYSQL}`]: { body: { datastore: mysql } },
  'GET /datastores/mysql': { body: { datastore: mysql } },
  [`GET /datastores/${MYSQL}/versions`]: { body: { versions: [mysql55] } },
  'GET /datastores/mysql/versions': { body: { versions: [mysql55] } },
  'GET /datastores/mysql/versions/5.5': { body: { version: mysql55 } },
  [`GET /datastores/versions/${MYSQL_55}`]: { body: { version: mysql55 } },
  [`GET /datastores/versions/${MYSQL_55}/parameters`]: { body: { 'configuration-parameters': parameters } },
  'GET /datastores/mysql/versions/5.5/parameters': { body: { 'configuration-parameters': parameters } },
  [`GET /datastores/versions/${MYSQL_55}/parameters/autocommit`]: { body: parameters[0] },
  'GET /flavors': {
    body: { flavors: [small, { ...small, id: null, str_id: 'big', name: 'm1.big', ram: 4096 }] },
  },
  'GET /flavors/2': { body: { flavor: small } },
  'GET /configurations': { body: { configurations: [group] } },
  'POST /configurations': { body: { configuration: group } },
  [`GET /configurations/${group.id}`]: { body: { configuration: group } },
  [`PATCH /configurations/${group.id}`]: { status: 200 },
  [`PUT /configurations/${group.id}`]: accepted,
  [`DELETE /configurations/${group.id}`]: accepted,
  [`GET /configurations/${group.id}/instances`]: { body: { instances: [{ id: M1, name: 'm1' }] } },
  'GET /clusters': { body: { clusters: [cluster] } },
  'POST /clusters': { body: { cluster } },
  [`GET /clusters/${cluster.id}`]: { body: { cluster } },
  [`POST /clusters/${cluster.id}`]: accepted,
  [`DELETE /clusters/${cluster.id}`]: accepted,
  'GET /limits': {
    body: {
      limits: [
        { verb: 'ABSOLUTE', max_instances: 55, max_backups: 50, max_volumes: 100 },
        {
          verb: 'POST',
          uri: '*',
          regex: '.*',
          value: 200,
          remaining: 199,
          unit: 'MINUTE',
          nextAvailable: '2019-12-23T22:38:41Z',
        },
      ],
    },
  },
  'GET /security-groups': { body: { security_groups: [group1] } },
  'GET /security-groups/g1': { body: { security_group: group1 } },
  'POST /security-group-rules': {
    status: 201,
    body: {
      security_group_rule: [
        {
          id: 'r2',
          security_group_id: 'g1',
          protocol: 'tcp',
          from_port: 3306,
          to_port: 3306,
          cidr: '10.0.0.0/24',
          created: '2015-03-18T18:14:43',
        },
      ],
    },
  },
  'DELETE /security-group-rules/r1': { status: 204 },
  'GET /mgmt/quotas/t1': {
    body: {
      quotas: [
        { resource: 'instances', in_use: 1, reserved: 0, limit: 5 },
        { resource: 'volumes', in_use: 3, reserved: 0, limit: -1 },
      ],
    },
  },
  'PUT /mgmt/quotas/t1': { body: { quotas: { instances: 10 } } },
  [`GET /instances/${M1}/log`]: {
    body: {
      logs: [
        {
          name: 'general',
          type: 'USER',
          status: 'Disabled',
          published: 0,
          pending: 0,
          container: null,
          prefix: null,
          metafile: null,
        },
      ],
    },
  },
  [`POST /instances/${M1}/log`]: {
    body: {
      log: {
        name: 'general',
        type: 'USER',
        status: 'Ready',
        published: 0,
        pending: 12,
        container: 'None',
        prefix: 'None',
        metafile: 'None',
      },
    },
  },
}
