import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { processSuite, repositorySuite } from './suite.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-sqlite-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

repositorySuite({ name: 'SQLite', emptyUrl: async () => 'sqlite://' })
processSuite({
  name: 'SQLite',
  emptyUrl: async () => `sqlite://${join(directory, `${randomUUID()}.sqlite`)}`,
})
