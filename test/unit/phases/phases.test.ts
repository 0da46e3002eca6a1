import { expect, test } from 'vitest'
import { breakNames, phaseNamed, phases } from '../../../phases/phases.ts'

test('the ten phases run in this order, on these sides', () => {
  expect(phases.map((phase) => `${phase.name} ${phase.side}`)).toEqual([
    'root.d outside',
    'extra-data.d outside',
    'pre-install.d inside',
    'install.d inside',
    'post-install.d inside',
    'post-root.d outside',
    'block-device.d outside',
    'pre-finalise.d outside',
    'finalise.d inside',
    'cleanup.d outside',
  ])
})

test('TARGET_ROOT is set in the first and the last phase only', () => {
  expect(phases.filter((phase) => phase.targetRoot).map((phase) => phase.name)).toEqual([
    'root.d',
    'cleanup.d',
  ])
})

test('block devices are visible from pre-finalise.d on', () => {
  expect(phases.filter((phase) => phase.blockDevices).map((phase) => phase.name)).toEqual([
    'pre-finalise.d',
    'finalise.d',
    'cleanup.d',
  ])
})

test('only phases inside have the hooks mounted in the chroot', () => {
  for (const phase of phases) {
    expect(phase.mounted.includes('/tmp/in_target.d')).toBe(phase.side === 'inside')
  }
})

test('a phase is found by its name, and a misspelt one names its neighbour', () => {
  expect(phaseNamed('install.d').side).toBe('inside')
  expect(() => phaseNamed('finalize.d')).toThrowError(
    expect.objectContaining({ code: 'PHASE_UNKNOWN', hint: 'Did you mean finalise.d?' }),
  )
  expect(() => phaseNamed('root')).toThrowError(
    expect.objectContaining({ hint: expect.stringContaining('root.d') }),
  )
})

test('breaks are named without the .d', () => {
  expect(breakNames(phaseNamed('pre-install.d'))).toEqual({
    before: 'before-pre-install',
    after: 'after-pre-install',
  })
})
