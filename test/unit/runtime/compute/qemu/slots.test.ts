import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeTree } from '../../../../../lib/tree.ts'
import { openSlots } from '../../../../../runtime/compute/qemu/slots.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-slots.'))
})
afterEach(() => removeTree(directory))

const holder = (id: string) => ({ id, name: id, instanceId: `i-${id}` })

test('each server gets the lowest free slot, and keeps it until it is freed', async () => {
  const slots = openSlots(directory, 2, 5)
  const taken = await Promise.all(['a', 'b'].map((id) => slots.claim(holder(id))))
  expect(taken.toSorted()).toEqual([2, 3])
  expect(await slots.claim(holder('a'))).toBe(taken[0])
  await slots.free('a')
  expect(await slots.claim(holder('c'))).toBe(taken[0])
})

test('a full range is said to be full, with what to do', async () => {
  const slots = openSlots(directory, 2, 3)
  await slots.claim(holder('a'))
  await expect(slots.claim(holder('b'))).rejects.toMatchObject({
    code: 'ADDRESSES_EXHAUSTED',
    hint: expect.stringContaining('guest_range'),
  })
})

test('a damaged file keeps its number taken, and nobody else from working', async () => {
  await writeFile(join(directory, '2'), '')
  const slots = openSlots(directory, 2, 5)
  expect(await slots.list()).toEqual([])
  expect(await slots.claim(holder('a'))).toBe(3)
  await slots.free('a')
})
