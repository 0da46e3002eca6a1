import { broken, unsupported } from './errors.ts'
import type { Place } from './resolve.ts'

/** More than any guest's image has. */
const MAX_PLACES = 4_000_000

/**
 * Everything below a place, itself included: each directory before what is in it, names in the order of their characters.
 *
 * @throws CofferError IMAGE_CONTENT_BROKEN when a directory is in two places, IMAGE_CONTENT_UNSUPPORTED when it is too much
 */
export function* walk(start: Place): Generator<Place> {
  const directories = new Set<string>()
  const waiting: Place[] = [start]
  let count = 0
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    count += 1
    if (count > MAX_PLACES) throw unsupported(`it has more than ${MAX_PLACES} files`)
    yield place
    const { node, path } = place
    if (node.type !== 'directory') continue
    if (directories.has(node.identity)) throw broken(path, 'this directory is in another place as well')
    directories.add(node.identity)
    for (const name of node.names().toSorted().reverse()) {
      const child = node.child(name)
      if (child !== undefined) waiting.push({ path: `${path === '/' ? '' : path}/${name}`, node: child })
    }
  }
}
