import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { openImage } from '../../../../registry/images/content/open.ts'
import { readDpkg } from '../../../../registry/images/dpkg/database.ts'
import { parseStatus } from '../../../../registry/images/dpkg/status.ts'
import { guestTree, REDIS, TCPDUMP } from '../content/guest-tree.ts'
import { extImage, writeFiles } from '../content/make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'dpkg-'))
afterAll(() => removeTree(home))

const names = (owners: readonly { readonly name: string }[] | undefined) => owners?.map(({ name }) => name)

test('files are found under the paths that they have, whatever the packages call them', async () => {
  const tree = await guestTree(join(home, 'tree'), [REDIS, TCPDUMP], {
    'var/lib/dpkg/diversions': '/usr/bin/tcpdump\n/usr/bin/tcpdump.real\nwrapper\n',
    'usr/bin/tcpdump.real': 'sniffer',
  })
  const dpkg = readDpkg(openImage(await extImage(join(home, 'guest.raw'), tree, { mebibytes: 4 })).root())
  // /bin is a link to usr/bin.
  expect(names(dpkg?.owners('/usr/bin/redis-server'))).toEqual(['redis-server'])
  expect(names(dpkg?.owners('/bin/redis-server'))).toEqual([])
  expect(names(dpkg?.owners('/usr/bin/tcpdump.real'))).toEqual(['tcpdump'])
  expect(names(dpkg?.owners('/usr/bin/tcpdump'))).toEqual([])
  expect(names(dpkg?.owners('/usr/bin'))).toEqual(['tcpdump'])
  expect(dpkg?.digest('/etc/redis/redis.conf')).toMatchObject({ configuration: true })
  expect(dpkg?.digest('/usr/bin/redis-server')).toMatchObject({ configuration: false })
})

test('an image without dpkg has no packages', async () => {
  const tree = await writeFiles(join(home, 'bare'), { 'etc/fstab': '' })
  expect(
    readDpkg(openImage(await extImage(join(home, 'bare.raw'), tree, { mebibytes: 1 })).root()),
  ).toBeUndefined()
})

test('of the status file only installed packages count, with their conffiles and sources', () => {
  const status = `Package: b
Status: install ok installed
Version: 2-1+b1
Source: bee (2-1)
Conffiles:
 /etc/b with space d41d8cd98f00b204e9800998ecf8427e
 /etc/old d41d8cd98f00b204e9800998ecf8427e obsolete
 /etc/new newconffile
Architecture: all

Package: gone
Status: deinstall ok config-files
Version: 1

Package: a
Status: hold ok installed
Version: 1
Architecture: amd64
`
  expect(parseStatus(status)).toEqual([
    { name: 'a', version: '1', architecture: 'amd64', conffiles: new Map() },
    {
      name: 'b',
      version: '2-1+b1',
      architecture: 'all',
      source: 'bee',
      sourceVersion: '2-1',
      conffiles: new Map([
        ['/etc/b with space', 'd41d8cd98f00b204e9800998ecf8427e'],
        ['/etc/old', 'd41d8cd98f00b204e9800998ecf8427e'],
      ]),
    },
  ])
})
