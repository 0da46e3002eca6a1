import { flatten, parseConfig } from '../../builder/blockdevice/config.ts'
import { buildGraph } from '../../builder/blockdevice/graph.ts'
import { type DiskLayout, layOut } from '../../builder/blockdevice/layout.ts'
import { run } from '../../lib/exec.ts'
import { lineLog } from '../../lib/log.ts'

export const quiet = lineLog(() => undefined)

/** The layout of a configuration, with a small journal so that test images stay small. */
export function layoutOf(yaml: string, mib: number): DiskLayout {
  const params = { rootFsType: 'ext4', rootFsOpts: '-i 4096 -J size=4' }
  return layOut(buildGraph(flatten(parseConfig(yaml), params), params), mib * 1024 * 1024)
}

/** Everything a file system keeps of a tree, one line an entry; times to the second, which is what mke2fs keeps. */
export async function manifest(directory: string): Promise<string[]> {
  const listing = await run(
    [
      'find',
      '.',
      '-xdev',
      '-path',
      './lost+found',
      '-prune',
      '-o',
      '-printf',
      '%p %y %m %U:%G %s %l %n %Ts\\n',
    ],
    { cwd: directory },
  )
  const contents = await run(['find', '.', '-xdev', '-type', 'f', '-exec', 'sha256sum', '{}', ';'], {
    cwd: directory,
  })
  const capabilities = await run(['getcap', '-r', '.'], { cwd: directory })
  // Sizes and link counts of directories belong to the file system, not to the tree.
  const lines = listing.stdout.split('\n').map((line) => line.replace(/^(.* d \d+ \d+:\d+) \d+ +\d+ /, '$1 '))
  return [...lines, ...contents.stdout.split('\n'), ...capabilities.stdout.split('\n')].sort()
}

/** Loop devices attached to a file. */
export async function loopsOf(path: string): Promise<string[]> {
  const { stdout } = await run(['losetup', '--noheadings', '--output', 'NAME', '--associated', path], {
    check: false,
  })
  return stdout.split('\n').filter((line) => line !== '')
}
