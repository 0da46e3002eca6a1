import { accountDays } from './account-days.ts'
import { buildManifests } from './build-manifests.ts'
import { machineIdentity } from './machine-identity.ts'
import { deleteInTree } from './tree-files.ts'
import type { NormaliseContext, NormaliseRule } from './types.ts'

/** Every rule, in the order in which they are applied. */
export const normaliseRules: readonly NormaliseRule[] = [
  buildManifests,
  machineIdentity,
  deletion(
    'random-seed',
    ['/var/lib/systemd/random-seed', '/var/lib/systemd/credential.secret'],
    'A seed or a secret that many machines share is worse than none. Each machine makes its own.',
  ),
  accountDays,
  deletion(
    'linker-cache',
    ['/var/cache/ldconfig/aux-cache'],
    'It holds inode numbers and times of libraries, so that ldconfig can skip some. ldconfig makes it anew.',
  ),
  deletion(
    'apt-cache',
    ['/var/cache/apt/*.bin'],
    'They hold the times of the lists they were made from. apt makes them anew.',
  ),
  deletion(
    'man-index',
    ['/var/cache/man/index.db', '/var/cache/man/*/index.db'],
    'A database that depends on the order and time of writing. man-db makes it anew each day.',
  ),
  deletion(
    'font-cache',
    ['/var/cache/fontconfig/*-le64.cache-*', '/var/cache/fontconfig/*-le32d*.cache-*'],
    'They hold the times of directories. fontconfig makes them anew when they are missing.',
  ),
]

/** A rule that deletes files. */
function deletion(name: string, paths: readonly string[], why: string): NormaliseRule {
  return { name, paths, does: 'are deleted', why, apply: ({ tree }) => deleteInTree(tree, paths) }
}

/** Applies every rule to a finished tree, nothing mounted in it. */
export async function normaliseTree(context: NormaliseContext): Promise<void> {
  for (const rule of normaliseRules) await rule.apply(context)
}
