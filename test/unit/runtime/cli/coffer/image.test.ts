import { mkdtempSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { run } from '../../../../../lib/exec.ts'
import { removeTree } from '../../../../../lib/tree.ts'
import { openRegistryDatabase } from '../../../../../registry/db/index.ts'
import { openImageStore } from '../../../../../registry/images/store.ts'
import { registerImage } from '../../../../../registry/register.ts'

const root = new URL('../../../../..', import.meta.url).pathname
const home = mkdtempSync(join(tmpdir(), 'image-'))
afterAll(() => removeTree(home))

const image = (...words: string[]) =>
  run([join(root, 'runtime/bin/coffer'), 'image', ...words], {
    check: false,
    env: { PATH: process.env.PATH, HOME: home, COFFER_STATE_DIR: home },
  })

test('images are kept, listed and shown, and deleted once nothing needs them', async () => {
  const file = join(home, 'disk.raw')
  await writeFile(file, 'boot sector')
  const put = await image('put', file, '--name', 'spare')
  const spare = put.stdout.trim()
  expect(put).toMatchObject({ exitCode: 0, stderr: '' })

  await writeFile(file, 'another boot sector')
  const database = await openRegistryDatabase(`sqlite://${home}/trove.sqlite`)
  const store = openImageStore(join(home, 'images'))
  const registered = { file, datastore: 'mysql', versionName: '9.7', packages: [], content: {} }
  const used = (await registerImage({ store, database }, registered)).image.id
  await database.close()

  const { stdout: list } = await image('list')
  expect(list).toMatch(new RegExp(`\\| ${used} \\| mysql-9.7 \\| raw +\\| +0 +\\| mysql 9.7 \\|`))
  expect(list).toMatch(new RegExp(`\\| ${spare} \\| spare `))
  expect(JSON.parse((await image('show', 'spare', '--json')).stdout)).toMatchObject({ id: spare, size: 11 })

  expect(await image('delete', 'mysql-9.7')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^The image .* is that of mysql 9.7\nhint: /),
  })
  expect(await image('prune')).toMatchObject({
    stdout: `Image ${spare} (spare) deleted.\n1 images deleted, 0 MiB freed.\n`,
  })
  expect(await image('delete', 'spare')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('hint: '),
  })
})

test('an image that a server runs on stays, even when its version has moved on', async () => {
  const file = join(home, 'old.raw')
  await writeFile(file, 'an older boot sector')
  const id = (await image('put', file)).stdout.trim()
  await mkdir(join(home, 'instances', 's1'), { recursive: true })
  await writeFile(join(home, 'instances', 's1', 'server.json'), JSON.stringify({ image: { id } }))
  expect(await image('delete', id)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Instances run on the image'),
  })
  await image('prune')
  expect((await image('list')).stdout).toContain(id)
})
