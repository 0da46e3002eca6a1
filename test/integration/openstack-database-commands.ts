import { expect, vi } from 'vitest'
import type { Service } from './openstack-database-service.ts'
import { type Cells, tableOf, withoutRequestId } from './openstack-database-text.ts'

/** A row of a list of instances, datastores or versions. */
export interface Row {
  readonly ID: string
  readonly Name: string
  readonly Status: string
}

/** What `show` says of an instance or a project. */
export interface Shown {
  readonly id: string
  readonly status: string
}

export const anyUuid: unknown = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

const words = (line: string, more: readonly string[]) => [...line.split(' '), ...more]

/**
 * What a person types at a service that tests have by then. A line is split at its blanks; words that have some follow it.
 */
export function commandsFor(service: () => Service) {
  /** A command that succeeds. @returns what it prints */
  async function openstack(line: string, ...more: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await service().client.openstack(...words(line, more))
    expect([line, exitCode, stderr]).toEqual([line, 0, ''])
    return stdout
  }

  /** The same, read as JSON. Words that may begin with a dash follow a `--` at the end of the line. */
  async function json<T = unknown>(line: string, ...more: string[]): Promise<T> {
    const asJson = line.endsWith(' --') ? line.replace(/--$/, '-f json --') : `${line} -f json`
    return JSON.parse(await openstack(asJson, ...more)) as T
  }

  /** A command that fails. @returns what it says on standard error */
  async function refusal(line: string, ...more: string[]): Promise<string> {
    const { exitCode, stderr } = await service().client.openstack(...words(line, more))
    expect([line, exitCode]).toEqual([line, 1])
    return withoutRequestId(stderr).trim()
  }

  /** A command of Debian's `trove` that succeeds. @returns the rows of its tables, titles first */
  async function trove(line: string, ...more: string[]): Promise<Cells> {
    const { exitCode, stdout, stderr } = await service().client.trove(...words(line, more))
    expect([line, exitCode, stderr]).toEqual([line, 0, ''])
    return tableOf(stdout)
  }

  const show = (name: string) => json<Shown>(`database instance show ${name}`)

  return {
    openstack,
    json,
    refusal,
    trove,
    idOf: async (name: string) => (await show(name)).id,

    /** Waits for a status. */
    becomes: (name: string, status: string) =>
      vi.waitFor(async () => expect((await show(name)).status).toBe(status), {
        timeout: 60_000,
        interval: 100,
      }),

    /** What the administrator's project uses, and what is reserved for it. */
    async used(): Promise<Readonly<Record<string, number>>> {
      const quotas =
        await json<{ Resource: string; 'In Use': number; Reserved: number }[]>('database quota show admin')
      return Object.fromEntries(quotas.map((quota) => [quota.Resource, quota['In Use'] + quota.Reserved]))
    },

    /** All instances, so many at a time. */
    async pages(limit: number): Promise<readonly Row[]> {
      const seen: Row[] = []
      for (;;) {
        const marker = seen.length === 0 ? '' : ` --marker ${seen.at(-1)?.ID}`
        const page = await json<Row[]>(`database instance list --limit ${limit}${marker}`)
        expect(page.length).toBeLessThanOrEqual(limit)
        if (page.length === 0) return seen
        seen.push(...page)
      }
    },

    /** Registers a version of mysql, and makes it the default. */
    async registerMysql(): Promise<void> {
      const image = await service().image('mysql')
      await openstack(`datastore version create 9.7 mysql mysql ${image} --active --default`)
    },
  }
}

/** The log of a service that did what it was asked to, and kept what was confided to it. */
export function expectCleanLog(service: Service, secrets: RegExp): void {
  const lines = service.log().split('\n')
  expect(lines.some((line) => /"level":"info".*"msg":"running"/.test(line))).toBe(true)
  expect(lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([])
  const urlWithPassword = /:\/\/[^/\s"]+:[^/\s"]+@/
  expect(lines.filter((line) => secrets.test(line) || urlWithPassword.test(line))).toEqual([])
}
