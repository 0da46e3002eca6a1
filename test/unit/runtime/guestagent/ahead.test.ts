import { expect, test } from 'vitest'
import { workAhead } from '../../../../runtime/guestagent/ahead.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import { memoryState, notingManager } from './stage.ts'

const readying = () => {
  const { manager, asked, note } = notingManager()
  return { asked, manager: { ...manager, makeReady: note('ready') } }
}

test.each(['new', 'preparing'] as const)('the volume of a guest that is %s is made ready', async (stage) => {
  const { manager, asked } = readying()
  const volume = { device_path: '/dev/null', volume_fstype: 'ext4' }
  await workAhead({ manager, state: memoryState({ stage }), volume, log: silentLog })
  expect(asked).toEqual([expect.stringMatching(/^ready \[\{"device_path":"\/dev\/null"/)])
})

test('a guest that has come further is left alone', async () => {
  for (const installation of [{ stage: 'prepared' }, { stage: 'failed', reason: 'x' }] as const) {
    const { manager, asked } = readying()
    await workAhead({ manager, state: memoryState(installation), volume: {}, log: silentLog })
    expect(asked).toEqual([])
  }
})

test('a volume that is not attached yet is left to prepare, which waits for it', async () => {
  const { manager, asked } = readying()
  const volume = { device_path: '/dev/no-such-disk' }
  await workAhead({ manager, state: memoryState(), volume, log: silentLog })
  expect(asked).toEqual([])
})

test('what fails here is written down and left to prepare, which tells the control plane', async () => {
  const warned: object[] = []
  const makeReady = async () => {
    throw new Error('the volume holds data of something else')
  }
  const { manager } = notingManager({ makeReady })
  const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) }
  await workAhead({ manager, state: memoryState(), volume: {}, log })
  expect(warned).toEqual([{ reason: 'the volume holds data of something else' }])
})
