import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../lib/exec.ts'

const root = new URL('../..', import.meta.url).pathname
const OUTSIDE = ['extra-data.d', 'cleanup.d']

/** A small Debian root in which an element's real scripts run, without a whole build around them. */
export interface Guest {
  readonly tree: string
  /** Runs all scripts of a phase in order, on the host or in the chroot, as a build does. */
  readonly phase: (name: string, env?: Record<string, string>) => Promise<Outcome>
  /** Runs one command in the chroot. */
  readonly chroot: (argv: readonly string[], env?: Record<string, string>) => Promise<Outcome>
  readonly read: (path: string) => Promise<string>
  readonly has: (path: string) => Promise<boolean>
  readonly list: (path: string) => Promise<string[]>
  readonly write: (path: string, text: string) => Promise<void>
  /** Runs the readiness check as if the database listened on `port`. */
  readonly check: (port: number) => Promise<Outcome>
}

export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly output: string
}

/** Makes the root that all guests start from; its only package source is `distribution`. */
export async function makeBase(tree: string, distribution: string): Promise<void> {
  const mirror = process.env.DIB_DISTRIBUTION_MIRROR
  const suite = 'bookworm'
  await run(
    [
      'mmdebstrap',
      '--quiet',
      '--variant=apt',
      '--include=systemd',
      '--dpkgopt=force-unsafe-io',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      suite,
      tree,
      ...(mirror === undefined ? [] : [mirror]),
    ],
    { timeoutMs: 380_000 },
  )
  await run(['find', `${tree}/etc/apt/sources.list.d`, `${tree}/var/lib/apt/lists`, '-type', 'f', '-delete'])
  await writeFile(`${tree}/etc/apt/sources.list`, `deb [trusted=yes] ${distribution} ./\n`)
  await writeFile(`${tree}/usr/sbin/policy-rc.d`, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  await cp(`${root}builder/elements/dpkg/bin/install-packages`, `${tree}/usr/local/bin/install-packages`)
  await inChroot(tree, ['apt-get', 'update'], {})
}

/** A copy of the base with the hooks of an element in place, flattened as a build does it (DIB contract §1.3). */
export async function makeGuest(base: string, tree: string, element: string): Promise<Guest> {
  await run(['cp', '-a', '--reflink=auto', '--', base, tree])
  const hooks = `${tree}/tmp/in_target.d`
  await mkdir(hooks)
  for (const name of ['datastore-package', element]) {
    for (const entry of await readdir(`${root}elements/${name}`, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      await run(['cp', '-a', '--', `${root}elements/${name}/${entry.name}`, hooks])
    }
  }
  const guest: Guest = {
    tree,
    async phase(name, env = {}) {
      let outcome: Outcome = { exitCode: 0, stdout: '', output: '' }
      const scripts = await readdir(`${hooks}/${name}`).catch(() => [])
      for (const script of scripts.sort()) {
        const result = OUTSIDE.includes(name)
          ? await outside(hooks, `${hooks}/${name}/${script}`, tree, env)
          : await inChroot(tree, [`/tmp/in_target.d/${name}/${script}`], env)
        outcome = { ...result, output: outcome.output + result.output }
        if (result.exitCode !== 0) break
      }
      return outcome
    },
    chroot: (argv, env = {}) => inChroot(tree, argv, env),
    read: (path) => readFile(join(tree, path), 'utf8'),
    list: async (path) => (await readdir(join(tree, path)).catch(() => [])).sort(),
    has: (path) =>
      stat(join(tree, path)).then(
        () => true,
        () => false,
      ),
    write: async (path, text) => {
      await mkdir(join(tree, path, '..'), { recursive: true })
      await writeFile(join(tree, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
    },
    async check(port) {
      const declared = await guest.read('usr/lib/coffer/datastore')
      await guest.write('usr/lib/coffer/datastore', declared.replace(/^PORT=.*$/m, `PORT=${port}`))
      return inChroot(tree, ['/usr/lib/coffer/datastore-check'], {})
    },
  }
  return guest
}

async function outside(
  hooks: string,
  script: string,
  tree: string,
  env: Record<string, string>,
): Promise<Outcome> {
  const result = await run([script], {
    check: false,
    env: {
      HOME: tree,
      PATH: `${root}builder/libexec:${process.env.PATH}`,
      LC_ALL: 'C',
      COFFER_NODE: process.execPath,
      COFFER_VERSION: 'test',
      DIB_IMAGE_CACHE: `${tree}.cache`,
      TMP_HOOKS_PATH: hooks,
      TARGET_ROOT: tree,
      ...env,
    },
  })
  return { exitCode: result.exitCode, stdout: result.stdout, output: result.stdout + result.stderr }
}

/** The chroot has its own /proc and processes, which end with it. */
async function inChroot(
  tree: string,
  argv: readonly string[],
  env: Record<string, string>,
): Promise<Outcome> {
  const isolate = [
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    `--mount-proc=${tree}/proc`,
  ] as const
  const result = await run([...isolate, 'chroot', tree, ...argv], {
    check: false,
    timeoutMs: 60_000,
    env: {
      HOME: '/root',
      LC_ALL: 'C',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...env,
    },
  })
  return { exitCode: result.exitCode, stdout: result.stdout, output: result.stdout + result.stderr }
}
