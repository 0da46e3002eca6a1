import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { writeSupplyChain } from '../../../builder/output/supply-chain.ts'
import { removeTree } from '../../../lib/tree.ts'
import { type BuildRecord, recordFiles, recordText } from '../../../registry/images/record.ts'
import { readTrustedKeys } from '../../../registry/images/signature/keys.ts'
import { readSigningKey } from '../../../registry/images/signature/signing-key.ts'
import { verifyImage } from '../../../registry/images/signature/verify.ts'
import { type BuiltImage, builtImage, keyIn } from '../registry/signature/signed-image.ts'

const home = mkdtempSync(join(tmpdir(), 'supply-'))
afterAll(() => removeTree(home))

let turn = 0
let directory = ''
let built: BuiltImage
beforeEach(async () => {
  directory = join(home, String(turn++))
  await mkdir(directory)
  built = await builtImage(directory)
  for (const name of [recordFiles.spdx, recordFiles.cyclonedx, recordFiles.provenance]) {
    await rm(join(built.directory, name))
  }
})

const read = (name: string) => readFile(join(built.directory, name), 'utf8')

test('SBOMs and provenance are written beside the record, the same each time', async () => {
  const { directory: to, record } = built
  expect(await writeSupplyChain({ directory: to, record })).toEqual([
    'sbom.spdx.json',
    'sbom.cdx.json',
    'provenance.json',
  ])
  const first = await read(recordFiles.spdx)
  expect(JSON.parse(first).creationInfo.created).toBe('2026-01-02T03:04:05Z')
  expect((await stat(join(to, recordFiles.spdx))).mode & 0o777).toBe(0o644)
  await rm(join(to, recordFiles.spdx))
  await writeSupplyChain({ directory: to, record })
  expect(await read(recordFiles.spdx)).toBe(first)
  expect((await readdir(to)).filter((name) => name.endsWith('.new'))).toEqual([])
})

test('without a date of the build the newest output tells when', async () => {
  const { sourceDate, ...record } = built.record
  await utimes(built.image, 0, 86_400)
  await writeSupplyChain({ directory: built.directory, record })
  expect(JSON.parse(await read(recordFiles.cyclonedx)).metadata.timestamp).toBe('1970-01-02T00:00:00Z')
})

test('a document that does not say what the record says is replaced', async () => {
  const { directory: to, record } = built
  await writeSupplyChain({ directory: to, record })
  const text = await read(recordFiles.spdx)
  await writeFile(join(to, recordFiles.spdx), text.replace('redis-server', 'rebis-server'))
  expect(await writeSupplyChain({ directory: to, record })).toEqual(['sbom.spdx.json'])
  expect(await read(recordFiles.spdx)).toBe(text)
})

async function holds(key: string): Promise<boolean> {
  const image = { name: 'redis.raw', sha256: built.sha256 }
  const keys = await readTrustedKeys([`${key}.pub`])
  const findings = await verifyImage({ image, directory: built.directory, keys })
  return findings.every(({ error }) => error === undefined)
}

test('with a key all of it is signed; an equal build keeps the signature, another loses it', async () => {
  const key = await keyIn(directory, 'release')
  const { directory: to } = built
  const write = (record: BuildRecord) => writeSupplyChain({ directory: to, record })
  const sign = await readSigningKey(key)
  expect(await writeSupplyChain({ directory: to, record: built.record, sign })).toContain('signature.json')
  expect(await holds(key)).toBe(true)
  await write(built.record)
  expect(await holds(key)).toBe(true)
  const other = { ...built.record, architecture: 'arm64' }
  await writeFile(join(to, recordFiles.record), recordText(other))
  await write(other)
  expect(await readdir(to)).not.toContain('signature.json')
})
