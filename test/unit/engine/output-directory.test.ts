import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import {
  keepOutput,
  outputDirectory,
  outputPlace,
  restoreOutput,
} from '../../../builder/engine/output-directory.ts'
import { sha256 } from '../../../lib/hash.ts'
import { cacheDirectory, metaOf, putLayer } from '../cache/samples.ts'

test.each([
  ['db.d/', 'db', 'web', resolve('web.d')],
  ['/srv/a/db.d/manifests', '/srv/a/db', '/srv/b/db', '/srv/b/db.d/manifests'],
  ['/var/lib/manifests', '/srv/a/db', '/srv/b/db', '/var/lib/manifests'],
  ['logs', 'db', 'web', resolve('logs')],
  ['database', 'data', 'web', resolve('database')],
  ['db-logs', 'db', 'web', resolve('web-logs')],
])('%s of the image %s is, for the image %s, %s', (directory, image, other, expected) => {
  expect(outputDirectory(outputPlace(directory, image), other)).toBe(expected)
  expect(outputDirectory(outputPlace(directory, image), image)).toBe(resolve(directory))
})

test("an output directory comes back without the builder's own files; what else lies there stays", async () => {
  const directory = await cacheDirectory()
  const image = join(directory, 'db')
  await mkdir(`${image}.d/lists`, { recursive: true })
  for (const name of ['lists/packages', 'manifest.json', 'sbom.spdx.json'])
    await writeFile(`${image}.d/${name}`, name)
  await keepOutput(`${image}.d/`, join(directory, 'kept'))
  expect(await readdir(join(directory, 'kept'))).toEqual(['lists'])

  const meta = metaOf(sha256('start'), undefined, { output: outputPlace(`${image}.d/`, image) })
  const layer = await putLayer(directory, meta, { 'o/lists/packages': 'bash\n' })
  const other = join(directory, 'other')
  await mkdir(`${other}.d/lists`, { recursive: true })
  await writeFile(`${other}.d/lists/stale`, '')
  await writeFile(`${other}.d/mine`, '')
  await restoreOutput(directory, layer, other, undefined)
  expect((await readdir(`${other}.d`)).toSorted()).toEqual(['lists', 'mine'])
  expect(await readdir(`${other}.d/lists`)).toEqual(['packages'])
  expect(await readFile(`${other}.d/lists/packages`, 'utf8')).toBe('bash\n')
})

test('a script that has written nothing leaves nothing', async () => {
  const directory = await cacheDirectory()
  await keepOutput(join(directory, 'none'), join(directory, 'kept'))
  expect(await readdir(directory)).toEqual([])
})
