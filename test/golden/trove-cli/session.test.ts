// What `trove` prints, against files that a person can read beside the book. UPDATE_GOLDEN=1 writes them anew.
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bookRoutes } from '../../unit/runtime/cli/trove/book-service.ts'
import { type CannedService, startCannedService } from '../../unit/runtime/cli/trove/canned-service.ts'
import { openrc, trove } from '../../unit/runtime/cli/trove/run.ts'

let service: CannedService
beforeAll(async () => {
  service = await startCannedService(bookRoutes)
})
afterAll(() => service.stop())

const sessions: Readonly<Record<string, readonly string[]>> = {
  'chapter-3.txt': [
    'list',
    '--json list',
    'create m6 2 --size 2 --datastore mysql --databases chapter_3_db_1 chapter_3_db_2 --users user1:password1 user2:password2',
    'show m1',
    '--json show m1',
    'datastore-list',
    'datastore-version-list 170c8cce-15c0-497c-a148-d9120cc0630f',
    '--json datastore-show mysql',
    'datastore-version-show 79c5e43b-d7d0-4137-af20-84d75c485c56',
    'root-enable m1',
    'root-show m1',
    'database-create m1 chapter_3_db',
    'database-list m1',
    '--json database-list m1',
    'user-list m1',
    'user-show m1 user1',
    'user-show-access m1 user1',
    'user-grant-access m1 user1 chapter_3_db_1',
    'restart m1',
    'delete m6',
    'show 64f32200-9da1-44af-b6c6-5e5b01ec0399',
    'flavor-list',
    'flavor-show 2',
    'limit-list',
  ],
  'chapter-5.txt': [
    'backup-create m1 backup-1',
    'backup-list',
    'backup-list-instance m1',
    'cluster-list',
    'cluster-show mongo1',
    'cluster-instances mongo1',
    'configuration-parameter-list --datastore mysql 5.5',
    'configuration-default m1',
    'configuration-create special-configuration {"wait_timeout":240,"max_connections":200} --datastore mysql',
    'configuration-show special-configuration',
    'configuration-instances special-configuration',
    'configuration-list',
    'log-list m1',
    'log-show m1 general',
    'quota-show t1',
    'secgroup-list',
    'secgroup-list-rules g1',
  ],
  'help.txt': [
    'help',
    'help create',
    'help backup-create',
    'help user-delete',
    'help user-grant-access',
    'help limit-list',
  ],
  'mistakes.txt': [
    'create',
    'lits',
    'create m1 2 --size',
    'database-list m1 --json',
    'show nope',
    'metadata-list m1',
  ],
}

test.each(Object.keys(sessions))('%s', async (name) => {
  const golden = new URL(name, import.meta.url)
  let text = ''
  for (const line of sessions[name] ?? []) {
    const { code, stdout, stderr } = await trove(line, openrc(service.url))
    text += `$ trove ${line}\n${stdout}${stderr}${code === 0 ? '' : `[${code}]\n`}`
  }
  if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, text)
  expect(text).toBe(await readFile(golden, 'utf8'))
})
