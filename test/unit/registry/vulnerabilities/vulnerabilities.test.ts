import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { removeTree } from '../../../../lib/tree.ts'
import { assess, installedSources } from '../../../../registry/images/vulnerabilities/assess.ts'
import { installedOfRecord, releaseOf } from '../../../../registry/images/vulnerabilities/installed.ts'
import { readTracker } from '../../../../registry/images/vulnerabilities/tracker.ts'
import { SEVERITIES, type Severity } from '../../../../registry/images/vulnerabilities/types.ts'
import { sampleRecord } from '../sample-record.ts'
import { trackerData } from './tracker-data.ts'

const home = mkdtempSync(join(tmpdir(), 'tracker-'))
afterAll(() => removeTree(home))

async function dataFile(data: unknown): Promise<string> {
  const file = join(home, 'data.json')
  await writeFile(file, typeof data === 'string' ? data : JSON.stringify(data))
  return file
}

const sources = installedSources(sampleRecord.packages)
const names = new Set(sources.map(({ name }) => name))
const usual: readonly Severity[] = ['high', 'medium', 'unassigned', 'low']

async function assessed(severities = usual, release = 'bookworm', data: unknown = trackerData) {
  const found = await readTracker(await dataFile(data), names, release)
  return assess(sources, found, { release, severities: new Set(severities) })
}

test('packages are looked up by source package and its version', () => {
  expect(sources).toEqual([
    { name: 'gcc-12', version: '12.2.0-14+deb12u1', packages: ['libstdc++6'] },
    // Not +b2: that is the binary's own.
    { name: 'redis', version: '5:7.0.15-1~deb12u1', packages: ['redis-server'] },
    { name: 'zlib1g', version: '1:1.2.13', packages: ['zlib1g'] },
  ])
})

test.each([
  ['linux-signed-amd64', '6.1.192+2', 'linux', '6.1.192-2'],
  ['linux-signed-arm64', '6.12.9+1~bpo12+1', 'linux', '6.12.9-1~bpo12+1'],
  ['grub-efi-amd64-signed', '1+2.06+13+deb12u1', 'grub2', '2.06-13+deb12u1'],
  ['gcc-12', '12.2.0-14+deb12u1', 'gcc-12', '12.2.0-14+deb12u1'],
])('%s %s is tracked as %s %s', (source, sourceVersion, name, version) => {
  const one = { name: 'x', version: '0', architecture: 'amd64', source, sourceVersion }
  expect(installedSources([one])).toEqual([{ name, version, packages: ['x'] }])
})

test('open is what the release has not fixed, or has fixed later; most urgent first', async () => {
  const { open, undetermined, unknown } = await assessed()
  expect(
    open.map(({ id, source, installed, fixed, urgency }) => [id, source, installed, fixed, urgency]),
  ).toEqual([
    ['CVE-2026-0001', 'redis', '5:7.0.15-1~deb12u1', '5:7.0.15-1~deb12u2', 'high'],
    ['CVE-2024-0003', 'redis', '5:7.0.15-1~deb12u1', undefined, 'not yet assigned'],
    ['TEMP-0000000-AB12CD', 'gcc-12', '12.2.0-14+deb12u1', undefined, 'low'],
  ])
  expect(open[0]).toMatchObject({ description: 'A client can read memory.', packages: ['redis-server'] })
  expect(undetermined).toBe(1)
  // Nothing is known of it, which is not the same as nothing is wrong with it.
  expect(unknown).toEqual(['zlib1g'])
})

test('urgencies can be chosen', async () => {
  const ids = async (...severities: Severity[]) => (await assessed(severities)).open.map(({ id }) => id)
  expect(await ids('high')).toEqual(['CVE-2026-0001'])
  expect(await ids('unassigned')).toEqual(['CVE-2024-0003'])
  expect(await ids('unimportant')).toEqual(['CVE-2023-0004'])
  expect(await ids(...SEVERITIES)).toHaveLength(4)
})

test('data that know nothing of the release give no answer', async () => {
  await expect(assessed(usual, 'noble')).rejects.toMatchObject({ code: 'VULNERABILITY_DATA_UNFIT' })
  await expect(assessed(usual, '__proto__')).rejects.toMatchObject({ code: 'VULNERABILITY_DATA_UNFIT' })
})

test('the release is that of the record, unless another is wished', () => {
  const installed = installedOfRecord(sampleRecord)
  expect(releaseOf(installed, undefined)).toBe('bookworm')
  expect(releaseOf(installed, 'trixie')).toBe('trixie')
  const { distribution, ...rest } = sampleRecord
  expect(() => releaseOf(installedOfRecord(rest), undefined)).toThrow(
    expect.objectContaining({ code: 'RELEASE_UNKNOWN' }),
  )
})

describe("data that are not the tracker's are refused, saying where:", () => {
  const release = (found: unknown) => ({ redis: { 'CVE-1-1': { releases: { bookworm: found } } } })
  test.each([
    ['', /there is no JSON object/],
    ['<html>', /at byte 0: "<" is out of place/],
    ['{"redis": ', /ends too early/],
    ['{"redis": {"CVE-1-1": }}', /Unexpected token/],
    [{ redis: [] }, /redis: an object should stand here/],
    [{ redis: { 'CVE-1-1': 1 } }, /redis, CVE-1-1: an object/],
    [{ redis: { 'CVE-1-1': { releases: 1 } } }, /redis, CVE-1-1: an object/],
    [{ redis: { '\u001b[31m': {} } }, /this is the id of no issue/],
    [release(null), /an object should stand here/],
    [release({ status: 'fine' }), /the status is none of resolved, open, undetermined/],
    [release({ status: 'resolved' }), /resolved, but in no version/],
    [release({ status: 'resolved', fixed_version: 1 }), /the fixed version is no version/],
    [release({ status: 'resolved', fixed_version: '1'.repeat(300) }), /the fixed version is no version/],
    [`{"redis": ${'['.repeat(1000)}`, /nests deeper than 64 levels/],
  ])('%j', async (data, message) => {
    await expect(readTracker(await dataFile(data), names, 'bookworm')).rejects.toMatchObject({
      code: 'VULNERABILITY_DATA_BROKEN',
      message: expect.stringMatching(message),
    })
  })

  test('a file that is not there, or is none', async () => {
    for (const file of [join(home, 'none'), home]) {
      await expect(readTracker(file, names, 'bookworm')).rejects.toMatchObject({
        code: 'VULNERABILITY_DATA_UNREADABLE',
      })
    }
  })
})
