import { run } from '../../lib/exec.ts'

/**
 * What DIB does to every tree after cleanup.d (DIB contract §1.1 step 29): /tmp is emptied, log files are truncated, and
 * `*.log` files of root are deleted. Links are never followed out of the tree.
 */
export async function finaliseTree(root: string): Promise<void> {
  await run(['mkdir', '-p', '--', `${root}/tmp`])
  await run(['find', `${root}/tmp`, '-xdev', '-mindepth', '1', '-delete'])
  await run(
    ['find', '-P', `${root}/var/log`, '-xdev', '-type', 'f', '-exec', 'truncate', '-s', '0', '{}', '+'],
    {
      check: false,
    },
  )
  await run(['find', '-P', `${root}/root`, '-xdev', '-type', 'f', '-name', '*.log', '-delete'], {
    check: false,
  })
}
