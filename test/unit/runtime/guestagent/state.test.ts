import { mkdir, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { openState } from '../../../../runtime/guestagent/state.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-agent.'))
})
afterEach(() => removeTree(directory))

test('what was done is known to the next process, and readable by root only', async () => {
  const state = await openState(directory)
  expect(state.installation()).toEqual({ stage: 'new' })
  await Promise.all([
    state.setInstallation({ stage: 'failed', reason: 'no disk' }),
    state.seen.add('control:a 1'),
    state.seen.add('control:a 2'),
  ])
  const next = await openState(directory)
  expect(next.installation()).toEqual({ stage: 'failed', reason: 'no disk' })
  expect(await next.seen.has('control:a 1')).toBe(true)
  expect(await next.seen.has('control:a 2')).toBe(true)
  expect(await next.seen.has('control:a 3')).toBe(false)
  expect((await stat(join(directory, 'state.json'))).mode & 0o777).toBe(0o600)
  expect(await readdir(directory)).toEqual(['state.json'])
})

test('the oldest messages are forgotten, so that the file stays small', async () => {
  const state = await openState(directory)
  for (let n = 0; n < 300; n++) await state.seen.add(`m${n}`)
  expect(await state.seen.has('m0')).toBe(false)
  expect(await state.seen.has('m299')).toBe(true)
})

test('a disk that was full once does not keep later states from being kept', async () => {
  const state = await openState(directory)
  await removeTree(directory)
  await expect(state.seen.add('lost')).rejects.toThrow()
  await mkdir(directory)
  await state.setInstallation({ stage: 'prepared' })
  expect((await openState(directory)).installation()).toEqual({ stage: 'prepared' })
})

test('a damaged file does not make an old guest a new one', async () => {
  await writeFile(join(directory, 'state.json'), '{"installation":')
  await expect(openState(directory)).rejects.toThrow(SyntaxError)
})
