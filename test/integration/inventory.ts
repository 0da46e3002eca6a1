import { mkdir } from 'node:fs/promises'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

/** What a test compares of one file. */
export interface Entry {
  readonly name: string
  readonly mode: string
  readonly owner: string
  readonly size: number
  readonly names: number
  /** Extended attributes, their values in hexadecimal. */
  readonly attributes: Readonly<Record<string, string>>
  /** A digest, or where a link leads. */
  readonly content: string
}

const script = new URL('inventory.py', import.meta.url).pathname

const parse = (text: string) =>
  new Map(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((entry) => [entry.name, entry]),
  )

/** The files of a raw image that is one file system, which is mounted for root in a mount namespace of its own. */
export async function imageInventory(raw: string): Promise<Map<string, Entry>> {
  const inside = 'mount -o loop,ro -- "$1" /mnt && python3 "$2" /mnt; status=$?; umount /mnt; exit $status'
  const shell = ['/bin/sh', '-c', inside, 'inventory', raw, script]
  return parse((await run(['unshare', '--mount', '--propagation', 'private', '--', ...shell])).stdout)
}

/** The files of an archive, unpacked by root with everything that it holds. */
export async function archiveInventory(tar: string): Promise<Map<string, Entry>> {
  const tree = `${tar}.unpacked`
  await mkdir(tree)
  await run(['tar', '-C', tree, '--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', tar])
  const { stdout } = await run(['python3', script, tree])
  await removeTree(tree)
  return parse(stdout)
}
