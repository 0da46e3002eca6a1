import { readFile, realpath } from 'node:fs/promises'
import { run } from './exec.ts'

/** What to mount. The options are mount(8)'s own words. */
export interface MountRequest {
  readonly source: string
  readonly target: string
  readonly type?: string
  readonly options?: readonly string[]
}

/** The one door for mounting: mount(8) with an argv. Register {@link unmount} before using the mount. */
export async function mount(request: MountRequest): Promise<void> {
  const type = request.type === undefined ? [] : ['-t', request.type]
  const options =
    request.options === undefined || request.options.length === 0 ? [] : ['-o', request.options.join(',')]
  await run(['mount', ...type, ...options, '--', request.source, request.target])
}

/** Unmounts one mount point; `lazy` detaches it even when it is busy. */
export async function unmount(target: string, options: { readonly lazy?: boolean } = {}): Promise<void> {
  await run(['umount', ...(options.lazy === true ? ['-l'] : []), '--', target])
}

/**
 * Makes a mount read-only, and leaves the others of the same file system as they are. Its other flags stay: in a user
 * namespace the kernel refuses a remount that drops one of those that the mount was made with.
 */
export async function makeReadOnly(target: string): Promise<void> {
  const real = await realpath(target)
  await run(['mount', '-o', readOnlyOptions((await flagsAt(real)) ?? []).join(','), '--', real])
}

/** Shows a directory at another place too, read-only there; see {@link makeReadOnly}. */
export async function bindReadOnly(source: string, target: string): Promise<void> {
  // A bind mount begins with the flags of what it shows.
  const flags = await flagsAt(await realpath(source))
  const bind = { source, target, options: ['bind'] }
  if (flags !== undefined) return await mountAll([bind, { source, target, options: readOnlyOptions(flags) }])
  await mount(bind)
  await makeReadOnly(target)
}

/** The flags of the mount at a path; undefined when it is no mount point. */
async function flagsAt(real: string): Promise<string[] | undefined> {
  return parseMountFlags(await readFile('/proc/self/mountinfo', 'utf8'), real)
}

function readOnlyOptions(flags: readonly string[]): string[] {
  return ['remount', 'bind', 'ro', ...flags.filter((flag) => flag !== 'rw' && flag !== 'ro')]
}

/** The flags of the mount at a path, the last one made, in a `/proc/PID/mountinfo` text; see proc(5). */
export function parseMountFlags(table: string, point: string): string[] | undefined {
  const fields = table
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, , , , target = '']) => unescapeMountPoint(target) === point)
  return fields?.[5]?.split(',')
}

/** Mount points strictly below a directory (or at it, when inclusive), deepest last mounted first. */
export async function mountsBelow(
  directory: string,
  options: { readonly inclusive?: boolean } = {},
): Promise<string[]> {
  const real = await realpath(directory)
  const table = await readFile('/proc/self/mounts', 'utf8')
  return parseMountPoints(table)
    .filter(
      (point) =>
        point.startsWith(`${real === '/' ? '' : real}/`) || (options.inclusive === true && point === real),
    )
    .reverse()
}

/** Mount points of a `/proc/mounts` text in its order, octal escapes decoded. */
export function parseMountPoints(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split(' ')[1])
    .filter((point): point is string => point !== undefined)
    .map(unescapeMountPoint)
}

function unescapeMountPoint(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/**
 * Mounts several things in order, with one process.
 *
 * @param cwd where relative names in options are looked up, as overlayfs allows
 */
export async function mountAll(requests: readonly MountRequest[], cwd?: string): Promise<void> {
  const words = requests.flatMap(({ type, options, source, target }) => [
    type ?? 'none',
    options === undefined || options.length === 0 ? 'rw' : options.join(','),
    source,
    target,
  ])
  const loop = 'while [ $# -gt 0 ]; do mount -t "$1" -o "$2" -- "$3" "$4" || exit; shift 4; done'
  // util-linux 2.39 and later hand over each option by itself, and the kernel takes 255 bytes of one: too few for the
  // names of many layers. mount(2) takes a page (mount(8), LIBMOUNT_FORCE_MOUNT2).
  const env = { ...process.env, LIBMOUNT_FORCE_MOUNT2: 'always' }
  await run(['/bin/sh', '-c', loop, 'mount', ...words], { env, ...(cwd === undefined ? {} : { cwd }) })
}

/**
 * Unmounts mount points and everything below them in order, with one process.
 *
 * @returns false when something is busy; it and what comes after it are still mounted then
 */
export async function unmountAll(...targets: readonly string[]): Promise<boolean> {
  const loop = 'for point; do umount --recursive -- "$point" || exit; done'
  return (await run(['/bin/sh', '-c', loop, 'umount', ...targets], { check: false })).exitCode === 0
}
