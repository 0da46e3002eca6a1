import { expect, test } from 'vitest'
import { profileTable } from '../../../phases/profile.ts'

test('the PROFILING table has fixed columns and its rows byte by byte', () => {
  const rows = [
    { script: '20-a', seconds: 0.0071 },
    { script: '02-package-installs', seconds: 36.148 },
    { script: '100-y', seconds: 1234.5678 },
    { script: 'a-name-much-longer-than-the-forty-characters-of-its-column', seconds: 0 },
  ]
  expect(profileTable('install.d', rows)).toEqual([
    '----------------------- PROFILING -----------------------',
    '',
    'Target: install.d',
    '',
    'Script                                     Seconds',
    '---------------------------------------  ----------',
    '',
    '02-package-installs                          36.148',
    '100-y                                      1234.568',
    '20-a                                          0.007',
    'a-name-much-longer-than-the-forty-characters-of-its-column      0.000',
    '',
    '--------------------- END PROFILING ---------------------',
  ])
})

test('a phase without scripts has an empty table', () => {
  expect(profileTable('root.d', []).slice(-4)).toEqual([
    '---------------------------------------  ----------',
    '',
    '',
    '--------------------- END PROFILING ---------------------',
  ])
})
