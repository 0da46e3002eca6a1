import { mkdtempSync } from 'node:fs'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { readRegularFile } from '../../../lib/regular-file.ts'
import { removeTree } from '../../../lib/tree.ts'

const home = mkdtempSync(join(tmpdir(), 'regular-'))
afterAll(() => removeTree(home))

test('a file is read with its permissions, up to the size that was allowed', async () => {
  const file = join(home, 'a')
  await writeFile(file, 'twelve bytes')
  await chmod(file, 0o640)
  const found = await readRegularFile(file, { maxBytes: 12 })
  expect(found?.bytes.toString()).toBe('twelve bytes')
  expect((found?.mode ?? 0) & 0o777).toBe(0o640)
  expect(await readRegularFile(file, { maxBytes: 11 })).toBeUndefined()
})

test('a link counts as its target, or as an error where links are not to be followed', async () => {
  const link = join(home, 'link')
  await writeFile(join(home, 'b'), 'b')
  await symlink('b', link)
  expect((await readRegularFile(link, { maxBytes: 9 }))?.bytes.toString()).toBe('b')
  await expect(readRegularFile(link, { maxBytes: 9, follow: false })).rejects.toMatchObject({ code: 'ELOOP' })
})

test('nothing waits at a FIFO or reads a device without end', async () => {
  const fifo = join(home, 'fifo')
  await run(['mkfifo', fifo], { env: { PATH: process.env.PATH } })
  expect(await readRegularFile(fifo, { maxBytes: 9 })).toBeUndefined()
  expect(await readRegularFile('/dev/zero', { maxBytes: 9 })).toBeUndefined()
  expect(await readRegularFile(home, { maxBytes: 1 << 20 })).toBeUndefined()
})
