import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { memberDifferences, tarMembers } from '../e2e/tar-members.ts'

const work = await mkdtemp(`${tmpdir()}/coffer-members.`)
afterAll(() => removeTree(work))

async function archive(name: string, files: readonly string[]) {
  await run(['tar', '-cf', `${name}.tar`, ...files], { cwd: work })
  return tarMembers(`${work}/${name}.tar`)
}

test('names of one file are the same in whatever order an archive has them; a copy is not', async () => {
  await run(['sh', '-c', 'echo x > a; ln a b; cp -p a c'], { cwd: work })
  const [forward, backward] = [
    await archive('forward', ['./a', './b']),
    await archive('backward', ['./b', './a']),
  ]
  expect([...memberDifferences(forward, backward)]).toEqual([])
  await run(['sh', '-c', 'rm b; cp -p a b'], { cwd: work })
  expect([...memberDifferences(forward, await archive('copy', ['./a', './b'])).keys()]).toEqual([
    './a',
    './b',
  ])
})
