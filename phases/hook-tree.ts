import type { HookFile } from './hooks.ts'

/** The flattened hooks directory as it will be: destination → file. */
export type HookTree = ReadonlyMap<string, HookFile>

/** As many links as the kernel follows before it gives up. */
const MAX_LINKS = 40

export function hookTree(files: readonly HookFile[]): Map<string, HookFile> {
  return new Map(files.map((file) => [file.destination, file]))
}

/**
 * The file or directory a path in the hooks directory stands for, links followed.
 *
 * @returns undefined when there is none, or when a link leaves the hooks directory
 */
export function followHook(tree: HookTree, destination: string): HookFile | undefined {
  const todo = destination.split('/')
  const done: string[] = []
  let links = 0
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (done.pop() === undefined) return undefined
      continue
    }
    const file = tree.get([...done, part].join('/'))
    if (file === undefined) return undefined
    if (file.target === undefined) {
      done.push(part)
    } else {
      if (file.target.startsWith('/') || ++links > MAX_LINKS) return undefined
      todo.unshift(...file.target.split('/'))
    }
  }
  return tree.get(done.join('/'))
}
