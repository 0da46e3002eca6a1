import { expect, test } from 'vitest'
import { parseCommandLine } from '../../../builder/request/options.ts'
import { makeRequest } from '../../../builder/request/request.ts'
import { readSourceDate } from '../../../builder/request/source-date.ts'

test('SOURCE_DATE_EPOCH is whole seconds since 1970; unset and empty are none', () => {
  expect(readSourceDate('0')).toBe(0)
  expect(readSourceDate('1700000000')).toBe(1_700_000_000)
  expect([readSourceDate(undefined), readSourceDate('')]).toEqual([undefined, undefined])
})

test.each(['-1', '1.5', '0x10', 'yesterday', ' 5', '99999999999'])(
  '%j is refused with an example',
  (text) => {
    expect(() => readSourceDate(text)).toThrow(
      expect.objectContaining({
        code: 'SOURCE_DATE_INVALID',
        message: `SOURCE_DATE_EPOCH needs whole seconds since 1970, not '${text}'`,
        hint: expect.stringContaining('SOURCE_DATE_EPOCH=$('),
      }),
    )
  },
)

test('it stays when -c clears the environment', () => {
  const args = ['-c', 'debian']
  const line = parseCommandLine('disk-image-create', args)
  const env = { SOURCE_DATE_EPOCH: '17', DIB_RELEASE: 'sid' }
  const request = makeRequest('disk-image-create', args, line, env, 'amd64')
  expect(request).toMatchObject({ sourceDate: 17, callerEnv: { SOURCE_DATE_EPOCH: '17' } })
})
