import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type GrowingFile, growingFile } from '../../../builder/packages/growing-file.ts'
import { tempDir } from './setup.ts'

async function start(): Promise<{ file: GrowingFile; path: string }> {
  const path = join(await tempDir(), 'file')
  const handle = await open(path, 'wx+')
  onTestFinished(() => handle.close())
  return { file: growingFile(handle), path }
}

/** Reads to the end in pieces of `step` bytes. */
async function readAll(file: GrowingFile, step: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let position = 0; ; ) {
    const buffer = Buffer.alloc(step)
    const count = await file.read(buffer, position)
    if (count === 0) return Buffer.concat(pieces)
    pieces.push(buffer.subarray(0, count))
    position += count
  }
}

test('every reader gets every byte once, however writer and readers cut them', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 30 })
  const steps = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(pieces, steps, async (parts, readers) => {
      const { file, path } = await start()
      const reading = readers.map((step) => readAll(file, step))
      for (const part of parts) await file.append(Buffer.from(part))
      await file.finish()
      const whole = Buffer.concat(parts)
      for (const read of reading) expect((await read).equals(whole)).toBe(true)
      expect((await readFile(path)).equals(whole)).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('a reader has what came before a failure, and then its reason', async () => {
  const { file } = await start()
  await file.append(Buffer.from('begin'))
  const waiting = readAll(file, 100)
  waiting.catch(() => {})
  await file.fail(new Error('the mirror went away'))
  const buffer = Buffer.alloc(10)
  expect(await file.read(buffer, 0)).toBe(5)
  await expect(waiting).rejects.toThrow('the mirror went away')
})

test("the writer hears of a full disk, and the readers' end is not mistaken for the file's", async () => {
  const full = await open('/dev/full', 'r+')
  onTestFinished(() => full.close())
  const file = growingFile(full)
  await file.append(Buffer.from('x')).catch(() => {})
  await expect(file.finish()).rejects.toMatchObject({ code: 'ENOSPC' })
  const reading = file.read(Buffer.alloc(1), 1)
  reading.catch(() => {})
  await file.fail(new Error('no space'))
  await expect(reading).rejects.toThrow('no space')
})
