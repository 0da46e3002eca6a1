import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ownProcessId } from '../../../../lib/process-id.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { openRunFile, readRunFile } from '../../../../runtime/control/run-file.ts'
import { ownDirectory } from './support.ts'

test('a run file that could not be written once is written the next time', async () => {
  const directory = await ownDirectory()
  const file = await openRunFile(directory, ownProcessId(), new Date())
  expect(readRunFile(directory)).toMatchObject({ state: 'starting' })
  await removeTree(join(directory, 'run'))
  await expect(file.say({ step: 'lost' })).rejects.toMatchObject({ code: 'ENOENT' })
  await mkdir(join(directory, 'run'))
  await file.say({ state: 'running', step: 'running' })
  expect(readRunFile(directory)).toMatchObject({ state: 'running', step: 'running' })
  await removeTree(join(directory, 'run'))
  await expect(file.say({ step: 'lost' })).rejects.toThrow()
  await file.remove()
  expect(readRunFile(directory)).toBeUndefined()
})
