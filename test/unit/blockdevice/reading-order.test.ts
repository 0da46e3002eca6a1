import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listTree } from '../../../builder/blockdevice/reading-order.ts'

let tree: string
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'reading-order-'))
})
afterEach(() => rmSync(tree, { recursive: true }))

test('lists in byte order, or backwards, each directory before what is in it', async () => {
  await mkdir(join(tree, 'b/inner'), { recursive: true })
  for (const name of ['a', 'B', 'b/2', 'b/10', 'ü', 'c']) await writeFile(join(tree, name), '')
  symlinkSync('b', join(tree, 'link'))
  const list = (direction: 1 | -1) => listTree(tree, direction).paths.map(String)
  expect(list(1)).toEqual(['.', './B', './a', './b', './b/10', './b/2', './b/inner', './c', './link', './ü'])
  expect(list(-1)).toEqual(['.', './ü', './link', './c', './b', './b/inner', './b/2', './b/10', './a', './B'])
})

test('a name that is no text stays what it is', async () => {
  const name = Buffer.from([0x78, 0xff, 0xfe])
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), name]), '')
  expect(listTree(tree, 1).paths[1]).toEqual(Buffer.concat([Buffer.from('./'), name]))
  expect(readdirSync(tree)).toHaveLength(1)
})
