import { mkdtempSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { removeTree } from '../../../../lib/tree.ts'
import type { FileNode } from '../../../../registry/images/content/node.ts'
import { openImage } from '../../../../registry/images/content/open.ts'
import { originOf } from '../../../../registry/images/origin/origin.ts'
import { FILE_RECORD, guestTree, RECORD, REDIS } from '../content/guest-tree.ts'
import { extImage } from '../content/make-images.ts'

const home = mkdtempSync(join(tmpdir(), 'origin-'))
afterAll(() => removeTree(home))

let root: FileNode
beforeAll(async () => {
  const tree = await guestTree(join(home, 'tree'), [REDIS], {
    'etc/redis/redis.conf': 'port 1\n',
    'etc/redis/local': 'x',
  })
  await symlink('redis-server', join(tree, 'usr/bin/redis-check'))
  await symlink('/etc/alternatives/vi', join(tree, 'usr/bin/vi'))
  root = openImage(await extImage(join(home, 'guest.raw'), tree, { mebibytes: 8 })).root()
})

const recorded = { record: RECORD, files: FILE_RECORD }
const package_ = { name: 'redis-server', version: '5:7.0.15-1', architecture: 'amd64', source: 'redis' }

describe('where a path comes from', () => {
  test('a file of a package: package, digest, and the step that installed it', () => {
    expect(originOf(root, '/bin/redis-server', recorded)).toEqual({
      path: '/usr/bin/redis-server',
      type: 'file',
      packages: [{ ...package_, url: 'https://mirror.example/redis.deb' }],
      integrity: 'as installed',
      steps: [{ place: 1, ...RECORD.steps[1] }],
      notes: [],
    })
  })

  test('a configuration file that was changed, with every step that wrote it', () => {
    const { integrity, steps } = originOf(root, '/etc/redis/redis.conf', recorded)
    expect(integrity).toBe('configuration changed')
    expect(steps?.map(({ script }) => script)).toEqual(['30-redis', '80-redis'])
  })

  test('a file that no package brought', () => {
    const { packages, steps } = originOf(root, '/etc/passwd', recorded)
    expect(packages).toEqual([])
    expect(steps?.map(({ element }) => element)).toEqual(['debian-minimal', 'redis'])
  })

  test('a directory, by what is in it', () => {
    expect(originOf(root, '/etc/redis', recorded)).toMatchObject({
      type: 'directory',
      packages: [package_],
      below: {
        files: 2,
        packages: [{ name: 'redis-server', files: 1 }],
        withoutPackage: 1,
        steps: [
          { step: { script: '30-redis' }, files: 1 },
          { step: { script: '80-redis' }, files: 1 },
        ],
      },
    })
  })

  test('a link, and where it leads', () => {
    expect(originOf(root, '/usr/bin/redis-check', recorded)).toMatchObject({
      type: 'symlink',
      target: 'redis-server',
      leadsTo: '/usr/bin/redis-server',
      packages: [],
      steps: [],
    })
    const dangling = originOf(root, '/usr/bin/vi', recorded)
    expect(dangling.leadsTo).toBeUndefined()
    expect(dangling.notes).toEqual(['update-alternatives chooses where it leads'])
  })

  test('a file of dpkg itself', () => {
    expect(originOf(root, '/var/lib/dpkg/info/redis-server.list', {}).notes).toEqual([
      'dpkg keeps it about the package redis-server',
    ])
  })

  test('what dpkg alone can tell, for an image without a record', () => {
    const { steps, packages } = originOf(root, '/usr/bin/redis-server', {})
    expect(steps).toBeUndefined()
    expect(packages).toEqual([package_])
  })
})

describe('a path that does not exist', () => {
  const refusal = (path: string): CofferError => {
    try {
      originOf(root, path, recorded)
    } catch (error) {
      if (error instanceof CofferError) return error
      throw error
    }
    throw new Error('it was found')
  }

  test.each([
    ['/usr/bin/redis-sever', /There is \/usr\/bin\/redis-server\./],
    ['/opt/redis.conf', /There is \/etc\/redis\/redis\.conf\./],
    ['/ect/passwd', /There is \/etc\/passwd, \/etc\./],
    ['/usr/share/man/man1/redis-server.1.gz', /package redis-server brings it; it was left out/],
    ['/tmp/leftover', /root\.d\/08-apt-bootstrap of debian-minimal wrote it; it was deleted later/],
  ])('%s is answered with what may have been meant', (path, hint) => {
    const error = refusal(path)
    expect(error.code).toBe('IMAGE_PATH_NOT_FOUND')
    expect(error.message).toBe(`${path} does not exist in the image`)
    expect(error.hint).toMatch(hint)
  })

  test('without anything like it says only that', () => {
    expect(refusal('/zzzzzz/qqqqqq').hint).toBeUndefined()
  })
})
