import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadKey, sealer } from '../../../lib/seal.ts'

describe('a sealed text', () => {
  const box = sealer(randomBytes(32))

  test('comes out as it went in, and looks different each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const sealed = box.seal(text)
        expect(sealed).not.toBe(box.seal(text))
        expect(box.open(sealed)).toBe(text)
      }),
    )
  })

  test('does not open with another key', () => {
    expect(() => sealer(randomBytes(32)).open(box.seal('secret'))).toThrow(
      expect.objectContaining({ code: 'SEAL_BROKEN' }),
    )
  })

  test('does not open when any of its bytes was changed, or some are missing', () => {
    const sealed = box.seal('secret')
    const bytes = Buffer.from(sealed.slice(3), 'base64')
    const forged = [...bytes.keys()].map((at) => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] ?? 0) ^ 1
      return `v1.${copy.toString('base64')}`
    })
    for (const text of [...forged, '', 'v1.', 'v2.x', sealed.slice(3), sealed.slice(0, 20), 'secret']) {
      expect(() => box.open(text)).toThrow(expect.objectContaining({ code: 'SEAL_BROKEN' }))
    }
  })
})

describe('the key file', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-key-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  test('is made once, for this account only, and read from then on', async () => {
    const file = join(directory, 'state', 'secret.key')
    const key = await loadKey(file)
    expect(key).toHaveLength(32)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await loadKey(file)).toEqual(key)
  })

  test('is the same for all who start at once', async () => {
    const file = join(directory, 'secret.key')
    const keys = await Promise.all(Array.from({ length: 10 }, () => loadKey(file)))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(directory)).toEqual(['secret.key'])
  })

  test('is refused when others may read it, and when it holds no key', async () => {
    const file = join(directory, 'secret.key')
    await loadKey(file)
    await chmod(file, 0o640)
    await expect(loadKey(file)).rejects.toMatchObject({ code: 'SECRET_KEY_EXPOSED' })
    await chmod(file, 0o600)
    await writeFile(file, 'abc')
    await expect(loadKey(file)).rejects.toMatchObject({ code: 'SECRET_KEY_BROKEN' })
  })
})
