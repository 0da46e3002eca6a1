import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { copyData, emptyDirectory, markOf, setMark } from '../../../../runtime/guestagent/volume/data-move.ts'
import { withVolume } from '../../../../runtime/guestagent/volume/fstab.ts'

let directory = ''
const at = (name: string) => join(directory, name)
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-volume.'))
  await mkdir(at('from/sub'), { recursive: true })
  await mkdir(at('to'))
})
afterEach(() => removeTree(directory))

const MARK = { instanceId: 'i1', datastore: 'mysql', state: 'copying' } as const

test('data is copied with modes, links and holes; what an interrupted copy left is replaced', async () => {
  await writeFile(at('from/plain'), 'text')
  await chmod(at('from/plain'), 0o640)
  await writeFile(at('from/sub/odd\nname'), '')
  await symlink('plain', at('from/link'))
  await link(at('from/plain'), at('from/hard'))
  await writeFile(at('from/sparse'), '')
  await truncate(at('from/sparse'), 8 * 1024 * 1024)
  await chmod(at('from'), 0o700)
  await setMark(at('to'), MARK)
  await mkdir(at('to/lost+found'))
  await writeFile(at('to/half'), 'of a copy')
  await copyData(at('from'), at('to'))
  expect((await readdir(at('to'))).sort()).toEqual([
    '.coffer-volume',
    'hard',
    'link',
    'plain',
    'sparse',
    'sub',
  ])
  expect(await readFile(at('to/link'), 'utf8')).toBe('text')
  expect((await stat(at('to/plain'))).mode & 0o777).toBe(0o640)
  expect((await stat(at('to'))).mode & 0o777).toBe(0o700)
  expect((await stat(at('to/sparse'))).blocks).toBeLessThan(100)
  expect(await markOf(at('to'))).toEqual(MARK)
})

test('an emptied directory keeps its mark and itself', async () => {
  await setMark(at('from'), MARK)
  await writeFile(at('from/data'), '')
  await emptyDirectory(at('from'))
  await emptyDirectory(at('from'))
  expect(await readdir(at('from'))).toEqual(['.coffer-volume'])
})

test('a volume is empty, ours by its mark, or foreign', async () => {
  expect(await markOf(at('to'))).toBe('empty')
  await mkdir(at('to/lost+found'))
  expect(await markOf(at('to'))).toBe('empty')
  await writeFile(at('to/thesis.txt'), '')
  expect(await markOf(at('to'))).toBe('foreign')
  await writeFile(at('to/.coffer-volume'), 'not JSON')
  expect(await markOf(at('to'))).toBe('foreign')
  await setMark(at('to'), { ...MARK, state: 'ready' })
  expect(await markOf(at('to'))).toMatchObject({ state: 'ready' })
})

test('the volume takes one line of fstab, and takes it again', () => {
  const before =
    'LABEL=root / ext4 defaults 0 1\n# /var/lib/mysql is ours\n/dev/vdb /var/lib/mysql ext3 defaults 0 0\n'
  const entry = { uuid: '1234', mountPoint: '/var/lib/mysql', fsType: 'ext4' }
  const after = withVolume(before, entry, true)
  expect(after).toBe(
    'LABEL=root / ext4 defaults 0 1\n# /var/lib/mysql is ours\nUUID=1234\t/var/lib/mysql\text4\tdefaults,noatime,noauto,x-coffer.mount\t0\t0\n',
  )
  expect(withVolume(after, entry, true)).toBe(after)
  expect(withVolume('', entry, false)).toContain('defaults,noatime,nofail')
})
