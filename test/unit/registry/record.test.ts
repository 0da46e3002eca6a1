import { expect, test } from 'vitest'
import { parseBuildRecord, recordText } from '../../../registry/images/record.ts'
import { sampleRecord } from './sample-record.ts'

test('a record is read as it was written', () => {
  expect(parseBuildRecord(recordText(sampleRecord), 'manifest.json')).toEqual(sampleRecord)
  expect(parseBuildRecord(JSON.stringify({ ...sampleRecord, later: 1 }), 'manifest.json')).toMatchObject({
    later: 1,
  })
})

const [output] = sampleRecord.outputs

test.each([
  ['no JSON', '{'],
  ['another version', { recordVersion: 2 }],
  ['a package without a version', { packages: [{ name: 'a', architecture: 'all' }] }],
  ['a package that is nothing', { packages: [null] }],
  [
    'licences that are no list',
    { packages: [{ name: 'a', version: '1', architecture: 'all', licenses: 'GPL' }] },
  ],
  ['elements that are no list', { elements: { length: 1 } }],
  ['an output outside its directory', { outputs: [{ ...output, file: '../x' }] }],
  ['an output without a digest', { outputs: [{ ...output, sha256: 'x' }] }],
  ['a date that is none', { sourceDate: 'yesterday' }],
  ['a system without an id', { distribution: { codename: 'bookworm' } }],
])('%s is not a record', (_what, change) => {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...sampleRecord, ...change })
  expect(() => parseBuildRecord(text, 'x.d/manifest.json')).toThrow(
    expect.objectContaining({
      code: 'BUILD_RECORD_BROKEN',
      message: 'x.d/manifest.json is not the record of a build',
    }),
  )
})
