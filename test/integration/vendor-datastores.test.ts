import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { removeTree } from '../../lib/tree.ts'
import {
  answering,
  endKeyAgent,
  makeDeb,
  makeKey,
  makeRepository,
  type StandIn,
  serveFiles,
} from './stand-in-packages.ts'
import { type Guest, makeBase, makeGuest } from './vendor-guest.ts'

// The vendors' packages cannot be fetched here. These tests run the elements' real scripts against small stand-ins
// that lay down the files a real package would, secrets included.

const CREDENTIALS = 'ann:s3cret-of-ann'
const unit = (name: string) => ({
  [`usr/lib/systemd/system/${name}.service`]: `[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`,
})
const user = (name: string) => `useradd --system --user-group ${name}`

let work: string
let url: string
let served: string
let key: { fingerprint: string; publicKey: string }
let stopServing: () => void
const guest = (element: string, name = element): Promise<Guest> =>
  makeGuest(join(work, 'base'), join(work, name), element)

/** Runs the phases that install, and fails the test with their output when one does. */
async function install(machine: Guest, env: Record<string, string>): Promise<string> {
  let output = ''
  for (const name of ['extra-data.d', 'pre-install.d', 'install.d', 'finalise.d', 'cleanup.d']) {
    const outcome = await machine.phase(name, env)
    output += outcome.output
    expect(outcome.exitCode, `${name}: ${output}`).toBe(0)
  }
  return output
}

async function enabled(machine: Guest, name: string): Promise<void> {
  expect((await machine.chroot(['systemctl', 'is-enabled', name])).stdout.trim()).toBe('enabled')
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'coffer-vendor-'))
  served = join(work, 'served')
  const distribution: StandIn[] = [
    'openjdk-17-jre-headless',
    ...['binutils', 'file', 'ksh', 'libaio1', 'libnuma1', 'libxml2'],
    ...['dialog', 'gdb', 'iproute2', 'procps', 'sysstat'],
  ].map((name) => ({ name, version: '99' }))
  await makeRepository(join(served, 'distribution'), distribution)
  key = await makeKey(join(work, 'gnupg'))
  await writeFile(join(served, 'vendor.asc'), key.publicKey)
  const files = await serveFiles(served, CREDENTIALS)
  url = files.url
  stopServing = () => {
    files.server.closeAllConnections()
    files.server.close()
  }
  await makeBase(join(work, 'base'), `${url}/distribution`)
}, 400_000)
afterAll(async () => {
  stopServing()
  await endKeyAgent(join(work, 'gnupg'))
  await removeTree(work)
})

describe('mongodb from a signed repository', () => {
  const server: StandIn = {
    name: 'mongodb-org-server',
    version: '8.0.4',
    files: {
      ...unit('mongod'),
      'usr/bin/mongod': '#!/bin/sh\necho "db version v8.0.4"\n',
      'etc/mongod.conf': 'net: {bindIp: 127.0.0.1}\n',
    },
    postinst: `${user('mongodb')}\nmkdir -p /var/lib/mongodb /var/log/mongodb\necho id > /var/lib/mongodb/storage.bson\nchown mongodb: /var/lib/mongodb`,
  }
  const env = () => ({
    MONGODB_APT_REPO: `deb ${url}/mongodb ./`,
    MONGODB_APT_KEY: `${url}/vendor.asc`,
    MONGODB_APT_KEY_FINGERPRINT: key.fingerprint,
  })
  beforeAll(async () => {
    const rest = ['mongodb-org-mongos', 'mongodb-database-tools'].map((name) => ({ name }))
    await makeRepository(join(served, 'mongodb'), [server, ...rest], join(work, 'gnupg'))
  })

  test('is installed with authorization on, tuned for its version, and without any data', async () => {
    const machine = await guest('mongodb')
    await install(machine, env())
    await enabled(machine, 'mongod.service')
    expect(await machine.read('usr/lib/coffer/datastore')).toBe(
      'NAME=mongodb\nUNIT=mongod.service\nPORT=27017\n',
    )
    expect(await machine.read('etc/mongod.conf')).toMatch(/authorization: enabled/)
    expect(await machine.read('etc/tmpfiles.d/coffer-mongodb.conf')).toMatch(/enabled - - - - always/)
    expect(await machine.list('var/lib/mongodb')).toEqual([])
    expect(await machine.read('etc/apt/sources.list.d/coffer-mongodb.sources')).toBe(
      `Types: deb\nURIs: ${url}/mongodb\nSuites: ./\nSigned-By: /usr/share/keyrings/coffer-mongodb.gpg\n\n`,
    )

    const version = Buffer.from('\x02version\0\x06\0\0\x008.0.4\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\0', 'latin1')
    const before = await machine.check(1)
    const asked: Buffer[] = []
    const service = await answering((question) => {
      asked.push(question)
      const body = Buffer.concat([Buffer.alloc(5), le32(version.length + 4), version])
      return Buffer.concat([le32(body.length + 16), le32(7), le32(1), le32(2013), body])
    }, false)
    const after = await machine.check(service.port)
    await service.stop()
    expect(before.exitCode).not.toBe(0)
    expect(after).toMatchObject({ exitCode: 0, stdout: '8.0.4\n' })
    const question = Buffer.concat(asked)
    expect(question.readInt32LE(0)).toBe(question.length)
    expect(question.readInt32LE(21)).toBe(question.length - 21)
  })

  test('keeps no trace of the repository when told so', async () => {
    const machine = await guest('mongodb', 'mongodb-alone')
    await install(machine, { ...env(), DATASTORE_KEEP_REPOSITORY: '0' })
    expect(await machine.list('etc/apt/sources.list.d')).toEqual([])
    expect((await machine.list('usr/share/keyrings')).filter((name) => name.startsWith('coffer'))).toEqual([])
  })

  test('is refused when another key signs the repository', async () => {
    const machine = await guest('mongodb', 'mongodb-forged')
    const wrong = { ...env(), MONGODB_APT_KEY_FINGERPRINT: 'A'.repeat(40) }
    const outcome = await machine.phase('extra-data.d', wrong)
    expect(outcome.exitCode).toBe(1)
    expect(outcome.output).toContain(
      `the signing key of the MongoDB Community Server repository is not the expected`,
    )
    expect(await machine.list('tmp/in_target.d/datastore-package')).toEqual([])
  })

  test('says which variable to set when the repository has nothing for this guest', async () => {
    const machine = await guest('mongodb', 'mongodb-nothing')
    const empty = { ...env(), MONGODB_APT_REPO: `deb ${url}/nothing ./` }
    expect((await machine.phase('extra-data.d', empty)).exitCode).toBe(0)
    const outcome = await machine.phase('pre-install.d', empty)
    expect(outcome.exitCode).not.toBe(0)
    expect(outcome.output).toContain('hint: Set MONGODB_APT_REPO')
  })
})

describe('cassandra from a private web server', () => {
  let deb: string
  const env = async () => ({
    DATASTORE_PKG_LOCATION: `${url}/private/cassandra.deb`,
    DATASTORE_PKG_SHA256: await digestFile(deb),
    DATASTORE_DOWNLOAD_OPTS: '--user=ann --password=s3cret-of-ann --tries=1 -q',
  })
  beforeAll(async () => {
    deb = await makeDeb(work, {
      name: 'cassandra',
      version: '5.0.2',
      files: {
        'etc/cassandra/cassandra.yaml':
          "cluster_name: 'Test Cluster'\nnum_tokens: 16\nlisten_address: localhost\n# rpc_address: 0.0.0.0\nrpc_address: localhost\n",
        'usr/bin/cqlsh':
          "#!/bin/sh\nprintf '\\n release_version\\n-----------------\\n           5.0.2\\n\\n(1 rows)\\n'\n",
      },
      postinst: `${user('cassandra')}\nmkdir -p /var/lib/cassandra/data/system/local /var/lib/cassandra/commitlog\necho id > /var/lib/cassandra/data/system/local/host_id\necho x > /var/lib/cassandra/commitlog/log`,
    })
    await copyFile(deb, join(served, 'cassandra.deb'))
  })

  test('is bound to the guest itself, and each guest names its own cluster', async () => {
    const machine = await guest('cassandra')
    const output = await install(machine, await env())
    expect(output).not.toContain('s3cret')
    await enabled(machine, 'cassandra.service')
    const yaml = await machine.read('etc/cassandra/cassandra.yaml')
    expect(yaml).toMatch(/^listen_address: 127\.0\.0\.1$/m)
    expect(yaml).toMatch(/^num_tokens: 16$/m)
    expect(yaml.match(/^rpc_address: 127\.0\.0\.1$/gm)).toHaveLength(1)
    expect(await machine.list('var/lib/cassandra/data')).toEqual([])
    expect(await machine.list('var/lib/cassandra/commitlog')).toEqual([])

    const start = () => machine.chroot(['/usr/lib/coffer/cassandra-first-start'])
    expect((await start()).exitCode).toBe(0)
    const named = await machine.read('etc/cassandra/cassandra.yaml')
    expect(named).toMatch(/^cluster_name: coffer-[0-9a-f]{12}$/m)
    await start()
    expect(await machine.read('etc/cassandra/cassandra.yaml')).toBe(named)

    expect((await machine.check(1)).exitCode).not.toBe(0)
    const service = await answering(() => '', true)
    expect(await machine.check(service.port)).toMatchObject({ exitCode: 0, stdout: '5.0.2\n' })
    await service.stop()
  })

  test('is downloaded once: the verified file serves the next build, even offline', async () => {
    const machine = await guest('cassandra', 'cassandra-again')
    const cache = { DIB_IMAGE_CACHE: join(work, 'cassandra.cache'), DIB_OFFLINE: '1' }
    const outcome = await machine.phase('extra-data.d', { ...(await env()), ...cache })
    expect(outcome).toMatchObject({ exitCode: 0 })
    const fresh = await guest('cassandra', 'cassandra-offline')
    const refused = await fresh.phase('extra-data.d', { ...(await env()), DIB_OFFLINE: '1' })
    expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('this build is offline') })
  })

  test('with another checksum is not installed, and nothing of it is kept', async () => {
    const machine = await guest('cassandra', 'cassandra-wrong')
    const outcome = await machine.phase('extra-data.d', {
      ...(await env()),
      DATASTORE_PKG_SHA256: '0'.repeat(64),
    })
    expect(outcome.exitCode).toBe(1)
    expect(outcome.output).toMatch(
      /private\/cassandra\.deb has the sha256 [0-9a-f]{64}, expected 0{64}: nothing was/,
    )
    expect(await machine.list('tmp/in_target.d/datastore-package')).toEqual([])
    const cached = await run(['find', `${machine.tree}.cache`, '-type', 'f'])
    expect(cached.stdout).toBe('')
  })

  test('without the password says that the server refused', async () => {
    const machine = await guest('cassandra', 'cassandra-denied')
    const outcome = await machine.phase('extra-data.d', {
      ...(await env()),
      DATASTORE_DOWNLOAD_OPTS: '--user=ann --password=wrong-secret',
    })
    expect(outcome.exitCode).toBe(1)
    expect(outcome.output).toMatch(/could not be downloaded: .*401/)
    expect(outcome.output).not.toContain('wrong-secret')
  })

  test('the same element fetches and refuses under another builder too', async () => {
    const other = { COFFER_VERSION: '' }
    const machine = await guest('cassandra', 'cassandra-dib')
    expect(await machine.phase('extra-data.d', { ...(await env()), ...other })).toMatchObject({ exitCode: 0 })
    expect(await machine.list('tmp/in_target.d/datastore-package/cassandra')).toEqual(['format', 'package'])
    const wrong = await guest('cassandra', 'cassandra-dib-wrong')
    const refused = await wrong.phase('extra-data.d', {
      ...(await env()),
      ...other,
      DATASTORE_PKG_SHA256: '0'.repeat(64),
    })
    expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('nothing was installed') })
    expect(await wrong.list('tmp/in_target.d/datastore-package')).toEqual([])
  })
})

test('percona comes out of a bundle of packages without keys, UUID or maintenance account', async () => {
  const debs = join(work, 'bundle')
  await mkdir(debs)
  await makeDeb(debs, { name: 'percona-server-dbg', depends: 'nothing-that-exists' })
  await makeDeb(debs, {
    name: 'percona-server-client',
    files: {
      'usr/bin/mysqladmin': '#!/bin/sh\nexit 0\n',
      'usr/bin/mysql':
        '#!/bin/sh\necho "$@" >> /var/log/stand-in\ncase "$*" in *VERSION*) echo 8.4.3-3 ;; esac\n',
    },
  })
  await makeDeb(debs, {
    name: 'percona-server-server',
    depends: 'percona-server-client',
    files: { ...unit('mysql'), 'usr/sbin/mysqld': '#!/bin/sh\nexec sleep 60\n' },
    postinst: `${user('mysql')}\nmkdir -p /var/lib/mysql/mysql /etc/mysql/conf.d /run/mysqld\ncd /var/lib/mysql\nfor file in auto.cnf ca-key.pem server-key.pem binlog.000001 ibdata1; do echo x > $file; done\nprintf '[client]\\npassword=x\\n' > /etc/mysql/debian.cnf`,
  })
  const archive = join(work, 'percona.tar')
  await run(['tar', '-C', work, '-cf', archive, 'bundle'])
  const machine = await guest('percona')
  await install(machine, { DATASTORE_PKG_LOCATION: archive })

  await enabled(machine, 'mysql.service')
  expect(await machine.list('var/lib/mysql')).toEqual(['ibdata1', 'mysql'])
  expect(await machine.has('etc/mysql/debian.cnf')).toBe(false)
  expect(await machine.read('var/log/stand-in')).toMatch(/DROP USER IF EXISTS 'debian-sys-maint'/)
  expect(await machine.read('etc/mysql/conf.d/90-coffer.cnf')).toMatch(/^performance_schema = OFF$/m)
  const telemetry = await machine.chroot(['systemctl', 'is-enabled', 'percona-telemetry-agent.service'])
  expect(telemetry.stdout.trim()).toBe('masked')
  expect(await machine.list('etc/apt/sources.list.d')).toEqual([])
  expect(await machine.list('var/tmp')).toEqual([])
  expect((await machine.chroot(['dpkg-query', '-W', 'percona-server-dbg'])).exitCode).not.toBe(0)

  expect((await machine.check(3306)).exitCode).not.toBe(0)
  const socket = createServer()
  await new Promise<void>((done) => socket.listen(join(machine.tree, 'run/mysqld/mysqld.sock'), done))
  expect(await machine.check(3306)).toMatchObject({ exitCode: 0, stdout: '8.4.3-3\n' })
  socket.close()
})

test('couchdb gets its administrator and its cookie on each guest, none in the image', async () => {
  const deb = await makeDeb(work, {
    name: 'couchdb',
    version: '3.3.3',
    files: {
      ...unit('couchdb'),
      'opt/couchdb/etc/vm.args': '-name couchdb@127.0.0.1\n-setcookie monster\n+K true\n',
      'opt/couchdb/etc/local.ini':
        '[couchdb]\nuuid = 0123456789abcdef\n;max_document_size = 1\n[chttpd_auth]\nsecret = abc\ntimeout = 600\n[admins]\n;admin = mysecretpassword\nroot = -pbkdf2-1\n',
      'opt/couchdb/etc/local.d/10-admins.ini': '[admins]\nadmin = baked\n',
    },
    postinst: `${user('couchdb')}\nmkdir -p /var/lib/couchdb /var/log/couchdb\necho x > /var/lib/couchdb/_users.couch\necho x > /opt/couchdb/.erlang.cookie`,
  })
  const machine = await guest('couchdb')
  await install(machine, { DATASTORE_PKG_LOCATION: deb })
  await enabled(machine, 'couchdb.service')
  expect(await machine.read('opt/couchdb/etc/local.ini')).toBe(
    '[couchdb]\n;max_document_size = 1\n[chttpd_auth]\ntimeout = 600\n[admins]\n;admin = mysecretpassword\n',
  )
  expect(await machine.list('opt/couchdb/etc/local.d')).toEqual(['10-coffer.ini'])
  expect(await machine.read('opt/couchdb/etc/vm.args')).not.toContain('setcookie')
  expect(await machine.has('opt/couchdb/.erlang.cookie')).toBe(false)
  expect(await machine.list('var/lib/couchdb')).toEqual([])

  const start = () => machine.chroot(['/usr/lib/coffer/couchdb-first-start'])
  expect((await start()).exitCode).toBe(0)
  const admin = await machine.read('etc/coffer/couchdb-admin')
  expect(admin).toMatch(/^admin:[0-9a-f]{48}\n$/)
  expect(await machine.read('opt/couchdb/etc/vm.args')).toMatch(/^-setcookie [0-9a-f]{48}$/m)
  await start()
  expect(await machine.read('etc/coffer/couchdb-admin')).toBe(admin)

  expect((await machine.check(1)).exitCode).not.toBe(0)
  const welcome = 'HTTP/1.0 200 OK\r\n\r\n{"couchdb":"Welcome","version":"3.3.3","vendor":{}}\n'
  const service = await answering(() => welcome, true)
  expect(await machine.check(service.port)).toMatchObject({ exitCode: 0, stdout: '3.3.3\n' })
  await service.stop()
})

test('couchbase is fenced in and has no cluster state', async () => {
  const deb = await makeDeb(work, {
    name: 'couchbase-server-community',
    files: { ...unit('couchbase-server'), 'opt/couchbase/var/lib/couchbase/README': 'of the package\n' },
    postinst: `test "$INSTALL_DONT_START_SERVER" = 1\ncd /opt/couchbase/var/lib/couchbase\nmkdir -p config\necho x > config/config.dat\necho x > couchbase-server.cookie`,
  })
  const machine = await guest('couchbase')
  await install(machine, { DATASTORE_PKG_LOCATION: deb })
  await enabled(machine, 'couchbase-server.service')
  expect(await machine.list('opt/couchbase/var/lib/couchbase')).toEqual(['README', 'config'])
  expect(await machine.list('opt/couchbase/var/lib/couchbase/config')).toEqual([])
  const fence = 'etc/systemd/system/couchbase-server.service.d/50-coffer-local-only.conf'
  expect(await machine.read(fence)).toMatch(/^IPAddressDeny=any$/m)

  expect((await machine.check(1)).exitCode).not.toBe(0)
  const pools = 'HTTP/1.0 200 OK\r\n\r\n{"isAdminCreds":true,"implementationVersion":"7.6.2-3721-community"}'
  const service = await answering(() => pools, true)
  expect(await machine.check(service.port)).toMatchObject({ exitCode: 0, stdout: '7.6.2-3721-community\n' })
  await service.stop()
})

describe('db2 from the vendor archive', () => {
  const env = { DB2_ACCEPT_LICENCE: 'yes', DATASTORE_PKG_LOCATION: '' }
  beforeAll(async () => {
    const archive = join(work, 'expc')
    await mkdir(archive)
    const installer = [
      '#!/bin/bash',
      'set -e',
      'grep -q "127.0.0.1 $(hostname)" /etc/hosts',
      '[ "$1 $3 $4" = "-b -p EXPC" ]',
      'mkdir -p "$2/instance" "$2/install/logs"; echo "$(hostname)" > "$2/install/logs/db2_install.log"',
      "printf '#!/bin/sh\\n[ -e /run/db2-is-up ]\\n' > /usr/local/bin/db2",
      `printf '#!/bin/sh\\necho "Informational tokens are \\\\"DB2 v11.5.9.0\\\\", \\\\"s1\\\\""\\n' > /usr/local/bin/db2level`,
      'chmod 755 /usr/local/bin/db2 /usr/local/bin/db2level',
    ]
    await writeFile(join(archive, 'db2_install'), `${installer.join('\n')}\n`, { mode: 0o755 })
    await run(['tar', '-C', work, '-czf', join(work, 'db2.tar.gz'), 'expc'])
    env.DATASTORE_PKG_LOCATION = join(work, 'db2.tar.gz')
  })

  test('is installed for users who have no password, and leaves the hosts file alone', async () => {
    const machine = await guest('db2')
    const hosts = await machine.read('etc/hosts').catch(() => '')
    await machine.write('etc/hosts', hosts)
    await install(machine, env)
    await enabled(machine, 'db2.service')
    expect(await machine.read('etc/hosts')).toBe(hosts)
    const shadow = await machine.read('etc/shadow')
    for (const name of ['db2inst1', 'db2fenc1', 'db2das1']) {
      expect(shadow).toMatch(new RegExp(`^${name}:!+\\*?:`, 'm'))
    }
    expect(await machine.read('etc/services')).toMatch(/^db2c_db2inst1 50000\/tcp/m)
    expect(await machine.list('opt/ibm/db2/current/install')).toEqual([])
    expect(await machine.list('var/tmp')).toEqual([])

    const service = await answering(() => '', true)
    expect((await machine.check(service.port)).exitCode).not.toBe(0)
    await machine.write('run/db2-is-up', '')
    expect(await machine.check(service.port)).toMatchObject({ exitCode: 0, stdout: '11.5.9.0\n' })
    await service.stop()
  })

  test('is not installed before a person accepted its licence', async () => {
    const machine = await guest('db2', 'db2-unread')
    const outcome = await machine.phase('extra-data.d', { ...env, DB2_ACCEPT_LICENCE: '' })
    expect(outcome).toMatchObject({ exitCode: 1, output: expect.stringContaining('DB2_ACCEPT_LICENCE=yes') })
    const other = await machine.phase('extra-data.d', { ...env, DB2_ACCEPT_LICENCE: '', COFFER_VERSION: '' })
    expect(other).toMatchObject({ exitCode: 1, output: expect.stringContaining('DB2_ACCEPT_LICENCE=yes') })
  })
})

test('vertica has its administrator, locked, and no database', async () => {
  const deb = await makeDeb(work, {
    name: 'vertica',
    files: {
      'opt/vertica/config/share/agent.key': 'x',
      'opt/vertica/config/admintools.conf': '[Database:built]\n',
      'opt/vertica/bin/vsql': '#!/bin/sh\necho "Vertica Analytic Database v24.1.0-0"\n',
    },
  })
  const machine = await guest('vertica')
  await install(machine, { VERTICA_ACCEPT_EULA: 'yes', DATASTORE_PKG_LOCATION: deb })
  await enabled(machine, 'vertica.service')
  expect(await machine.read('etc/shadow')).toMatch(/^dbadmin:!+\*?:/m)
  expect(await machine.list('var/lib/vertica')).toEqual([])
  expect(await machine.list('opt/vertica/config/share')).toEqual([])
  expect(await machine.has('opt/vertica/config/admintools.conf')).toBe(false)
  expect(await machine.has('vertica.deb')).toBe(false)

  expect((await machine.check(1)).exitCode).not.toBe(0)
  const service = await answering(() => '', true)
  expect(await machine.check(service.port)).toMatchObject({
    exitCode: 0,
    stdout: 'Vertica Analytic Database v24.1.0-0\n',
  })
  await service.stop()
})

test('download options leave no trace in the record of the environment', async () => {
  const machine = await guest('couchbase', 'record')
  const record = (prefix: string) =>
    `${prefix}ARCH="amd64"\n${prefix}DATASTORE_DOWNLOAD_OPTS="--password=s3cret"\n`
  await machine.write('etc/dib-manifests/dib_environment', record('declare -x '))
  await machine.write('beside.d/dib-manifests/dib_environment', record('export '))
  const outcome = await machine.phase('cleanup.d', { DIB_MANIFEST_SAVE_DIR: join(machine.tree, 'beside.d/') })
  expect(outcome.exitCode).toBe(0)
  expect(await machine.read('etc/dib-manifests/dib_environment')).toBe('declare -x ARCH="amd64"\n')
  expect(await readFile(join(machine.tree, 'beside.d/dib-manifests/dib_environment'), 'utf8')).toBe(
    'export ARCH="amd64"\n',
  )
})

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
