import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import { openSql } from '../../../lib/sql/index.ts'
import { openRegistryDatabase } from '../../../registry/db/index.ts'
import { migrate, openDatabase } from '../../../runtime/db/index.ts'
import { type Engine, openWithDatastore } from './fixtures.ts'

const worker = new URL('worker.ts', import.meta.url).pathname

/** What several processes do to one database, and what a kill leaves. */
export function processSuite(engine: Engine): void {
  describe(`several processes on ${engine.name}`, () => {
    const children: ChildProcess[] = []
    afterEach(() => {
      for (const child of children.splice(0)) child.kill('SIGKILL')
    })

    /** Starts a worker; the URL goes by its standard input, since it may hold a password. */
    const start = (url: string, ...args: string[]): ChildProcess => {
      const child = spawn(process.execPath, [worker, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
      children.push(child)
      child.stdin?.end(url)
      return child
    }
    const linesOf = (child: ChildProcess) => createInterface({ input: child.stdout ?? process.stdin })
    const output = async (child: ChildProcess): Promise<string[]> => {
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
      const lines: string[] = []
      for await (const line of linesOf(child)) lines.push(line)
      expect(await ended).toBe(0)
      return lines
    }

    test('three processes that bring an empty database up to date at once make each migration once', async () => {
      const url = await engine.emptyUrl()
      const made = await Promise.all([1, 2, 3].map(() => output(start(url, 'migrate'))))
      const all = made.flat()
      expect(all.length).toBeGreaterThan(3)
      expect(new Set(all).size).toBe(all.length)
      expect(await migrate(url)).toEqual([])
    })

    test('the registry alone can be brought up to date, and the rest later', async () => {
      const url = await engine.emptyUrl()
      const registry = await openRegistryDatabase(url)
      await registry.transaction((datastores) => datastores.putDatastore('mysql'))
      await registry.close()
      expect(await migrate(url)).toEqual([
        'runtime/001_instances',
        'runtime/002_quotas',
        'runtime/003_security_groups',
        'runtime/004_tasks',
      ])
      const again = await openRegistryDatabase(url)
      expect(await again.datastores.get('mysql')).toMatchObject({ name: 'mysql' })
      await again.close()
    })

    test('a database of a newer version is refused', async () => {
      const url = await engine.emptyUrl()
      await migrate(url)
      const raw = await openSql(url)
      await sql`insert into runtime_migrations (name, timestamp) values ('999_future', 'x')`.execute(raw.db)
      await raw.close()
      await expect(openDatabase(url)).rejects.toMatchObject({
        code: 'DATABASE_NEWER',
        message: expect.stringContaining('runtime/999_future'),
      })
    })

    test('three task managers take every task once, those of one instance in order and one at a time', async () => {
      const { db, url } = await openWithDatastore(engine)
      await db.transaction(async ({ tasks }) => {
        for (let at = 0; at < 60; at++) {
          const instanceId = `i${at % 12}`
          await tasks.enqueue({ id: `t${at}`, kind: 'restart', instanceId, tenantId: 'tenant-a', args: '' })
        }
      })
      const outputs = await Promise.all(['a', 'b', 'c'].map((name) => output(start(url, 'claim', name))))
      const runs = outputs.flat().map((line) => JSON.parse(line) as Run)
      expect(runs.map(({ id }) => id).sort()).toEqual(Array.from({ length: 60 }, (_, at) => `t${at}`).sort())
      expect(runs.every(({ attempts }) => attempts === 1)).toBe(true)
      for (const ofInstance of Map.groupBy(runs, ({ instanceId }) => instanceId).values()) {
        const inOrder = ofInstance.toSorted((one, other) => one.number - other.number)
        for (const [at, run] of inOrder.entries()) {
          expect(run.from).toBeGreaterThanOrEqual(inOrder[at - 1]?.to ?? 0)
        }
      }
      await db.close()
    })

    test('a process killed while it writes loses nothing that it had acknowledged, and leaves no half', async () => {
      const { db, url, versionId } = await openWithDatastore(engine)
      const child = start(url, 'create', versionId)
      const acknowledged: string[] = []
      for await (const line of linesOf(child)) {
        acknowledged.push(line)
        if (acknowledged.length === 25) child.kill('SIGKILL')
      }
      expect(acknowledged.length).toBeGreaterThanOrEqual(25)
      const living = await settled(() => db.instances.living())
      expect(living.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged))
      const usages = await db.quotas.usages('tenant-a', {})
      expect(usages.find(({ resource }) => resource === 'instances')?.in_use).toBe(living.length)
      expect(await db.quotas.recount()).toEqual([])
      await db.close()
    })
  })
}

interface Run {
  readonly id: string
  readonly number: number
  readonly instanceId: string
  readonly attempts: number
  readonly from: number
  readonly to: number
}

/** A server notices the end of a killed client a moment later; then it rolls back. */
async function settled<T extends { readonly length: number }>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    const before = await read()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const after = await read()
    if (before.length === after.length) return after
  }
}
