import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lib/exec.ts'
import { exists } from '../../lib/path-kind.ts'
import type { Build } from './build.ts'
import { inPlace, type Place } from './script.ts'

/** What element dpkg notes of the lists in the tree, and the program of its that fetches them. */
const STAMP = 'var/lib/apt/lists-of-sources'
const UPDATE = '/usr/local/bin/apt-lists-update'

/**
 * Fetches the package lists of a tree whose cached steps were made from older ones, before a script in it can ask apt for
 * anything. A tree that has none any more needs none.
 */
export async function renewLists(build: Build, { chroot }: Place): Promise<void> {
  if (!build.job.oldLists || chroot === undefined || !(await exists(join(chroot, STAMP)))) return
  if (renewed.has(build)) return
  renewed.add(build)
  build.print('The package archives have changed since the cached steps ran: fetching their lists')
  await rm(join(chroot, STAMP))
  if (!(await exists(join(chroot, UPDATE)))) return
  const start = inPlace({ chroot }, build.env)
  await run([...start.prefix, UPDATE], { env: start.env, onLine: build.print })
}

const renewed = new WeakSet<Build>()
