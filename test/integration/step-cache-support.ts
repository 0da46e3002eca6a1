import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { VERSION } from '../../builder/cli/version.ts'
import { explain } from '../../builder/engine/explain.ts'
import { hostArchitecture, prepareBuild } from '../../builder/engine/prepare.ts'
import { parseCommandLine } from '../../builder/request/options.ts'
import { makeRequest } from '../../builder/request/request.ts'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { lineLog } from '../../lib/log.ts'
import { memberDifferences, tarMembers } from '../e2e/tar-members.ts'
import { bin, buildEnvironment } from './harness.ts'

/** A script of a test element. */
export const script = (text = ''): string => `#!/bin/bash\nset -eu\nset -o pipefail\n${text}\n`

/** What a build with the step cache did. */
export interface CachedBuild {
  readonly exitCode: number
  readonly output: string
  /** Scripts that ran, as `install.d/10-a`, in order. */
  readonly ran: readonly string[]
  /** Scripts whose results came from the cache. */
  readonly cached: readonly string[]
}

export interface BuildOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Output without suffix. Default `image`. */
  readonly name?: string
  readonly type?: string
  /** Where the command is started. Default: the work directory. */
  readonly cwd?: string
  /** `--no-cache`, or what else is to stand in the place of `--cache`. */
  readonly cache?: string
}

/** Builds tiny-os and elements in `work`, whose directory `cache` the builds share. */
export function cachedBuilds(work: string, elementsPath: string) {
  const command = (elements: readonly string[], options: BuildOptions) => ({
    argv: [
      bin('disk-image-create'),
      ...[options.cache ?? '--cache', '-n', '-o', options.name ?? 'image', '-t', options.type ?? 'tar'],
      ...(options.args ?? []),
      'tiny-os',
      ...elements,
    ] as [string, ...string[]],
    settings: {
      cwd: options.cwd ?? work,
      env: buildEnvironment(work, { ELEMENTS_PATH: elementsPath, SOURCE_DATE_EPOCH, ...options.env }),
      check: false,
      timeoutMs: 120_000,
    },
  })

  async function build(elements: readonly string[], options: BuildOptions = {}): Promise<CachedBuild> {
    const { argv, settings } = command(elements, options)
    const { exitCode, stdout, stderr } = await run(argv, settings)
    return { exitCode, ...whatHappened(stdout + stderr) }
  }

  return {
    command,
    build,

    /** A build that must succeed. */
    async built(elements: readonly string[], options: BuildOptions = {}): Promise<CachedBuild> {
      const result = await build(elements, options)
      expect(result.exitCode, result.output).toBe(0)
      return result
    },

    /** Scripts that would come from the cache, those that would run, and why the first of these: what `--explain` prints. */
    async explained(elements: readonly string[], options: BuildOptions = {}) {
      const { argv, settings } = command(elements, options)
      const [, ...args] = argv
      const line = parseCommandLine('disk-image-create', args)
      const request = makeRequest('disk-image-create', args, line, settings.env, await hostArchitecture())
      const prepared = await prepareBuild(
        request,
        lineLog(() => undefined),
      )
      return whatIsExplained(await explain(prepared, VERSION))
    },
  }
}

/** What the text of `--explain` tells. */
export function whatIsExplained(text: string) {
  const rows = [...text.matchAll(/^ {2}(\S+) +\S+ +[0-9a-f]{12} +(cached|runs)(?:: (.*))?$/gm)]
  return {
    cached: rows.filter(([, , what]) => what === 'cached').map(([, name]) => name),
    runs: rows.filter(([, , what]) => what === 'runs').map(([, name]) => name),
    reason: rows.map(([, , , reason]) => reason).find((reason) => reason !== undefined),
  }
}

/** What the output of a build tells. */
export function whatHappened(output: string): Omit<CachedBuild, 'exitCode'> {
  const find = (pattern: RegExp) => [...output.matchAll(pattern)].map(([, found = '']) => found)
  return {
    output,
    ran: find(/^dib-run-parts Running \S+\/([^/\s]+\/[^/\s]+)$/gm),
    cached: find(/^dib-run-parts (\S+) comes from the cache$/gm),
  }
}

/** No time in the images is later, so that equal builds give equal bytes. */
const SOURCE_DATE_EPOCH = '1700000000'

/**
 * That two archives have the same bytes. Where they have not, which members differ in type, mode, owner, link, content or
 * extended attributes.
 */
export async function expectSameImage(one: string, other: string): Promise<void> {
  const digests = await Promise.all([digestFile(one), digestFile(other)])
  if (digests[0] === digests[1]) return
  const [a, b] = await Promise.all([tarMembers(one), tarMembers(other)])
  expect(Object.fromEntries(memberDifferences(a, b))).toEqual({})
  expect(await tarAttributes(one)).toEqual(await tarAttributes(other))
  expect(digests[0]).toBe(digests[1])
}

/** Extended attributes of the members of a tar archive of GNU tar's, by name, then attribute; values as hexadecimal digits. */
export async function tarAttributes(file: string): Promise<Record<string, Record<string, string>>> {
  const archive = await readFile(file)
  const found: Record<string, Record<string, string>> = {}
  let records = new Map<string, Buffer>()
  for (let at = 0; at + 512 <= archive.length; ) {
    const text = (from: number, length: number) =>
      archive.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12) || '0', 8)
    const content = archive.subarray(at + 512, at + 512 + size)
    if (text(156, 1) === 'x') {
      records = paxRecords(content)
    } else {
      const name = records.get('path')?.toString() ?? text(0, 100)
      const attributes = [...records].filter(([key]) => key.startsWith('SCHILY.xattr.'))
      if (attributes.length > 0)
        found[name] = Object.fromEntries(
          attributes.map(([key, value]) => [key.slice(13), value.toString('hex')]).sort(),
        )
      records = new Map()
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return found
}

/** `LENGTH KEY=VALUE\n`, the length counting itself; pax(1). */
function paxRecords(content: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(' ', at)
    const length = Number.parseInt(content.toString('latin1', at, blank), 10)
    const equals = content.indexOf('=', blank)
    if (!(length > 0) || equals === -1) break
    records.set(content.toString('utf8', blank + 1, equals), content.subarray(equals + 1, at + length - 1))
    at += length
  }
  return records
}
