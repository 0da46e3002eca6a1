import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { treeKiB } from '../../../builder/engine/tree-size.ts'

let tree: string
const at = (name: string) => join(tree, name)
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'tree-size-'))
})
afterEach(() => rmSync(tree, { recursive: true }))

test('directories and files take whole blocks of 4 KiB, short links none', () => {
  expect(treeKiB(tree)).toBe(4)
  mkdirSync(at('empty'))
  writeFileSync(at('small'), 'x')
  writeFileSync(at('nothing'), '')
  writeFileSync(at('two blocks'), Buffer.alloc(4097, 1))
  symlinkSync('small', at('link'))
  symlinkSync('/long'.repeat(20), at('long link'))
  expect(treeKiB(tree)).toBe(4 + 4 + 4 + 8 + 4)
})

test('a large directory takes what its names take', () => {
  for (let number = 0; number < 300; number++) writeFileSync(at(`${number}`.padStart(24, 'n')), '')
  // 300 entries of 32 bytes.
  expect(treeKiB(tree)).toBe(12)
})

test('a file with two names counts once', () => {
  writeFileSync(at('one'), Buffer.alloc(8192, 1))
  linkSync(at('one'), at('two'))
  expect(treeKiB(tree)).toBe(4 + 8)
})

test('zeros in large files do not count, whether they are holes or written', () => {
  writeFileSync(at('written'), Buffer.concat([Buffer.alloc(3 * 1024 ** 2), Buffer.from('end')]))
  writeFileSync(at('holes'), 'start')
  truncateSync(at('holes'), 100 * 1024 ** 2)
  expect(treeKiB(tree)).toBe(4 + 4 + 4)
})
