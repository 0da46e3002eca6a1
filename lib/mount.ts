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
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    )
}
