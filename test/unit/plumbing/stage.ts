import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunResult, run } from '../../../lib/exec.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
export const plumbing = join(root, 'builder/elements')
const libexec = join(root, 'builder/libexec')
const driver = join(root, 'test/unit/plumbing/in-chroot.sh')

/** A directory laid out like a running build: flattened hooks, the tree, the image cache, and the exported environment. */
export interface Stage {
  readonly directory: string
  readonly hooks: string
  readonly tree: string
  readonly cache: string
  readonly env: Record<string, string>
  /** Writes a file below the stage. */
  readonly write: (path: string, content: string, mode?: number) => string
  /** Reads a file below the stage. */
  readonly read: (path: string) => string
  /** True when something of that name is below the stage. */
  readonly has: (path: string) => boolean
  /** Runs a hook script outside, as the builder does. A failure is a result, not an error. */
  readonly outside: (script: string, env?: Record<string, string>) => Promise<RunResult>
  /** Runs hook scripts in a throw-away copy of this machine; what they changed is below `changes/`. */
  readonly inside: (scripts: readonly string[], options?: InsideOptions) => Promise<RunResult>
  readonly remove: () => void
}

export interface InsideOptions {
  readonly env?: Record<string, string>
  /** Shell text that runs inside before the scripts. */
  readonly before?: string
}

/**
 * Makes a stage with plumbing elements, and with elements of the test.
 *
 * @param own elements of the test: name → path in the element → content. Scripts are executable.
 */
export function makeStage(
  names: readonly string[],
  own: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'plumbing-'))
  const at = (path: string) => join(directory, path)
  const write = (path: string, content: string, mode?: number) => {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), content, { mode: mode ?? (content.startsWith('#!') ? 0o755 : 0o644) })
    return at(path)
  }
  for (const [element, files] of Object.entries(own)) {
    mkdirSync(at(`elements/${element}`), { recursive: true })
    for (const [path, content] of Object.entries(files)) write(`elements/${element}/${path}`, content)
  }
  const homes: [string, string][] = [
    ...Object.keys(own).map((name): [string, string] => [name, at(`elements/${name}`)]),
    ...names.map((name): [string, string] => [name, join(plumbing, name)]),
  ]
  for (const path of ['hooks', 'mnt/tmp', 'cache', 'elements']) mkdirSync(at(path), { recursive: true })
  for (const [, home] of homes) flatten(home, at('hooks'))

  const env: Record<string, string> = {
    PATH: `${libexec}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: at('home'),
    COFFER_NODE: process.execPath,
    COFFER_VERSION: 'test',
    LC_ALL: 'C',
    ARCH: 'amd64',
    DISTRO_NAME: 'debian',
    DIB_RELEASE: 'bookworm',
    DIB_INIT_SYSTEM: 'systemd',
    DIB_DEBUG_TRACE: '0',
    DIB_OFFLINE: '',
    DIB_IMAGE_CACHE: at('cache'),
    DIB_MANIFEST_IMAGE_DIR: '/etc/dib-manifests',
    ELEMENTS_PATH: `${at('elements')}:${plumbing}`,
    IMAGE_ELEMENT: homes.map(([name]) => name).join(' '),
    IMAGE_ELEMENT_YAML: homes.map(([name, home]) => `${name}: ${home}\n`).join(''),
    IMAGE_NAME: at('out/image'),
    TMP_BUILD_DIR: directory,
    TMP_HOOKS_PATH: at('hooks'),
    TMP_MOUNT_PATH: at('mnt'),
    TARGET_ROOT: at('mnt'),
  }
  mkdirSync(at('home'))
  return {
    directory,
    hooks: at('hooks'),
    tree: at('mnt'),
    cache: at('cache'),
    env,
    write,
    read: (path) => readFileSync(at(path), 'utf8'),
    has: (path) => existsSync(at(path)),
    outside: (script, more = {}) =>
      run([join(at('hooks'), script)], { env: { ...env, ...more }, cwd: directory, check: false }),
    inside: (scripts, options = {}) =>
      run(
        ['unshare', '--mount', '--', driver, at('inside'), at('hooks'), options.before ?? ':', ...scripts],
        { env: { ...env, ...options.env }, cwd: directory, check: false },
      ),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Merges an element into the hooks directory (DIB contract §1.3). */
function flatten(element: string, hooks: string): void {
  for (const entry of readdirSync(element, { withFileTypes: true })) {
    cpSync(join(element, entry.name), join(hooks, entry.name), { recursive: true, verbatimSymlinks: true })
  }
}

/** True where a test may mount: as root, on a kernel with overlay file systems. */
export const canChroot = await (async () => {
  const probe =
    'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m'
  const result = await run(['unshare', '--mount', '--', 'sh', '-c', probe], { check: false }).catch(
    () => undefined,
  )
  return result?.exitCode === 0
})()
