import { CofferError } from '../../lib/errors.ts'
import { type Environment, run } from '../../lib/exec.ts'
import type { FetcherOptions, StoreFetcher } from '../packages/fetch.ts'
import { openFetcher } from '../packages/fetch.ts'
import { packageIndex, packageKey } from '../packages/index-state.ts'
import { chooseMirror } from '../packages/mirrors.ts'
import type { Served } from '../packages/pins.ts'
import type { Lock, LockedSource } from './lock.ts'
import { isoSeconds } from './make-lock.ts'

/** Something that a lock names, and what it would name if it were made now. */
export interface Change {
  readonly what: 'repository' | 'package' | 'source' | 'download'
  /** A short name for people: `debian dists/bookworm/InRelease`, `openssl amd64`, … */
  readonly name: string
  /** Date, version, commit or digest in the lock. */
  readonly locked: string
  /** The same now; undefined when it is gone, or when nobody could be asked. */
  readonly now?: string
  /** Why nobody could be asked. */
  readonly problem?: string
}

/** Options of {@link lockChanges}. */
export interface LockChangesOptions extends FetcherOptions {
  /** `DIB_DISTRIBUTION_MIRROR` and its relatives: asked in place of the lock's own mirrors. */
  readonly env: Environment
}

/**
 * Asks the archives, repositories and servers of a lock what they have now. Builds nothing and changes nothing but the
 * cache; signatures are checked by the build that makes the next lock.
 *
 * @throws CofferError of a mirror that fails in the middle; one that cannot be asked at all is a change with a problem
 */
export async function lockChanges(lock: Lock, options: LockChangesOptions): Promise<Change[]> {
  const fetcher = await openFetcher(options)
  try {
    const [packages, sources, downloads] = await Promise.all([
      archiveChanges(lock, options),
      Promise.all(lock.sources.map((source) => sourceChange(source, options.env))),
      Promise.all(lock.downloads.map((download) => downloadChange(download, fetcher))),
    ])
    return [...packages, ...[...sources, ...downloads].filter((change) => change !== undefined)]
  } finally {
    await fetcher.close()
  }
}

async function archiveChanges(lock: Lock, options: LockChangesOptions): Promise<Change[]> {
  const addresses = addressesNow(lock, options.env)
  const files = [...lock.repositories, ...lock.indexes]
  const address = (file: { archive: string; path: string }) =>
    `${addresses[file.archive]}/${file.path.split('/').map(encodeURIComponent).join('/')}`
  const served = files.map(
    (file): Served => ({ url: address(file), status: 200, digest: file.sha256, size: file.size }),
  )
  const index = await packageIndex({ ...options, served })
  try {
    const states = new Map((await index.repositories()).map((state) => [state.url, state]))
    const repositories = lock.repositories.flatMap((repository): Change[] => {
      const state = states.get(address(repository))
      if (state === undefined || state.now === state.before) return []
      const now = state.release?.date
      return [
        {
          what: 'repository',
          name: `${repository.archive} ${repository.path}`,
          locked: repository.date ?? repository.sha256,
          ...(state.now === undefined ? {} : { now: now === undefined ? state.now : isoSeconds(now) }),
          ...(state.problem === undefined ? {} : { problem: state.problem }),
        },
      ]
    })
    if ((await index.state()) !== 'changed') return repositories
    const candidates = await index.candidates(lock.packages)
    return [
      ...repositories,
      ...lock.packages.flatMap((item): Change[] => {
        const candidate = candidates.get(packageKey(item))
        if (candidate?.sha256 === item.sha256) return []
        const again = candidate?.version === item.version ? ' (published again)' : ''
        return [
          {
            what: 'package',
            name: `${item.name} ${item.architecture}`,
            locked: item.version,
            ...(candidate === undefined ? {} : { now: `${candidate.version}${again}` }),
          },
        ]
      }),
    ]
  } finally {
    await index.close()
  }
}

/** The lock's archives, with the mirrors that the environment names in place of the distribution's own. */
function addressesNow(lock: Lock, env: Environment): Readonly<Record<string, string>> {
  const { distribution = '', release = '' } = lock
  const { uri, securityUri } = chooseMirror({ env, distribution, suite: release, host: [] })
  const has = (archive: string, ...suites: string[]) =>
    lock.repositories.some(
      (one) => one.archive === archive && suites.some((suite) => one.path.startsWith(`dists/${suite}/`)),
    )
  return Object.fromEntries(
    Object.entries(lock.archives).map(([name, address]) => {
      if (uri !== undefined && has(name, release)) return [name, uri]
      const security = has(name, `${release}-security`, `${release}/updates`)
      return [name, security ? (securityUri ?? address) : address]
    }),
  )
}

async function sourceChange(source: LockedSource, env: Environment): Promise<Change | undefined> {
  const { name, location, ref, revision } = source
  if (ref === revision) return undefined
  const change = { what: 'source', name: `${name} ${ref}`, locked: revision } as const
  const wanted = ref === '*' ? 'HEAD' : ref
  // A lock is data: no helper program, and no question on the terminal.
  const safe = { ...env, GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh', GIT_TERMINAL_PROMPT: '0' }
  const answer = await run(['git', 'ls-remote', '--', location, wanted, `${wanted}^{}`], {
    env: safe,
    check: false,
    timeoutMs: 120_000,
  })
  if (answer.exitCode !== 0) {
    return { ...change, problem: answer.stderr.trim().split('\n').at(-1) ?? 'git could not ask' }
  }
  const now = revisionOf(answer.stdout, wanted)
  if (now === revision) return undefined
  return { ...change, ...(now === undefined ? {} : { now }) }
}

/** The commit that `git ls-remote` gives for a ref: of a branch before a tag, of a tag the commit behind it. */
export function revisionOf(listing: string, ref: string): string | undefined {
  const found = new Map(
    listing
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, string] => [line.split('\t')[1] ?? '', line.split('\t')[0] ?? '']),
  )
  for (const name of [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`, `${ref}^{}`, ref]) {
    const revision = found.get(name)
    if (revision !== undefined) return revision
  }
  return undefined
}

async function downloadChange(
  { url, sha256 }: Lock['downloads'][number],
  fetcher: StoreFetcher,
): Promise<Change | undefined> {
  const change = { what: 'download', name: url, locked: sha256 } as const
  if (url.startsWith('file:')) return undefined
  if (!/^https?:/.test(url)) return { ...change, problem: 'only http and https can be asked' }
  try {
    const found = await fetcher.get(url)
    if (found.entry?.digest === sha256) return undefined
    if (found.entry !== undefined) return { ...change, now: found.entry.digest }
    return found.status === 404 || found.status === 410
      ? change
      : { ...change, problem: `the server answered ${found.status}` }
  } catch (error) {
    if (!(error instanceof CofferError)) throw error
    return { ...change, problem: error.message }
  }
}
