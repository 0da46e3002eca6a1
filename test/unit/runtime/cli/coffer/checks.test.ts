import { chmod } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeKeyPair } from '../../../../../registry/images/signature/signing-key.ts'
import { checkImageKeys } from '../../../../../runtime/cli/coffer/checks/image-keys.ts'
import { judgeClock, judgeDisk, judgeMemory } from '../../../../../runtime/cli/coffer/checks/machine.ts'
import { checkPorts, doorsOf } from '../../../../../runtime/cli/coffer/checks/network.ts'
import { judgeQemuVersion } from '../../../../../runtime/cli/coffer/checks/qemu.ts'
import { judgeImages } from '../../../../../runtime/cli/coffer/checks/state.ts'
import { doctorLine } from '../../../../../runtime/cli/coffer/doctor.ts'
import { defaultFlavors } from '../../../../../runtime/compute/qemu/flavors.ts'
import { loadSettings } from '../../../../../runtime/settings/index.ts'
import { ownDirectory } from '../../control/support.ts'

describe('the doctor judges', () => {
  test('QEMU by its version', () => {
    expect(judgeQemuVersion('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg)')).toMatchObject({
      state: 'ok',
      sentence: 'QEMU 7.2.22',
    })
    expect(judgeQemuVersion('QEMU emulator version 10.1.0')).toMatchObject({ state: 'ok' })
    expect(judgeQemuVersion('QEMU emulator version 5.2.0')).toMatchObject({ state: 'fail' })
    expect(judgeQemuVersion('qemu: error')).toMatchObject({ state: 'warn' })
  })

  test('the disk by what is free', () => {
    expect([0.5, 5, 50].map((free) => judgeDisk(free).state)).toEqual(['fail', 'warn', 'ok'])
  })

  test('memory by the flavors that fit', () => {
    expect(judgeMemory(9000, defaultFlavors).sentence).toBe(
      '9000 MiB of memory available: enough for flavor 4 (m1.large, 8192 MiB)',
    )
    expect([300, 600, 2048].map((available) => judgeMemory(available, defaultFlavors).state)).toEqual([
      'fail',
      'warn',
      'ok',
    ])
  })

  test('the clock: one that was never set stands before the program was made', () => {
    const made = new Date('2026-11-01T00:00:00Z')
    expect(judgeClock(new Date('1970-01-01T00:10:00Z'), made, false).state).toBe('fail')
    expect(judgeClock(new Date('2026-11-23T00:00:00Z'), made, true).sentence).toBe(
      '2026-11-23T00:00:00Z, synchronised',
    )
  })

  test('images by the datastore versions that need them', () => {
    const mysql = { version: 'mysql 9.7', image: 'a' }
    expect(judgeImages(['a'], [mysql]).state).toBe('ok')
    expect(judgeImages(['b'], [mysql])).toMatchObject({
      state: 'fail',
      sentence: 'the image is missing for mysql 9.7',
    })
    expect(judgeImages([], [])).toMatchObject({ state: 'warn', hint: 'build-image mysql --register' })
  })
})

test('a check is a line, and a hint below it where something can be done', () => {
  expect(doctorLine({ name: 'disk', state: 'ok', sentence: '50 GiB free', hint: 'none' })).toBe(
    'ok    disk           50 GiB free\n',
  )
  expect(doctorLine({ name: 'disk', state: 'fail', sentence: '0 GiB free', hint: 'Free some.' })).toBe(
    'FAIL  disk           0 GiB free\n      hint: Free some.\n',
  )
})

test('keys of images are judged where signatures are required', async () => {
  const directory = await ownDirectory()
  const judged = (requireSignedImages: boolean) =>
    checkImageKeys({ requireSignedImages, trustedImageKeys: [directory] })
  expect(await judged(false)).toMatchObject({ state: 'ok' })
  expect(await judged(true)).toMatchObject({ state: 'fail', hint: expect.stringContaining('keygen') })
  await makeKeyPair(join(directory, 'release'))
  expect(await judged(true)).toMatchObject({
    state: 'ok',
    sentence: 'images need a signature of one of 1 keys',
  })
  await chmod(directory, 0o777)
  expect(await judged(true)).toMatchObject({ state: 'fail', hint: `chmod go-w ${directory}` })
})

describe('the ports', () => {
  const settingsWith = async (overrides: object) =>
    loadSettings({
      env: { COFFER_STATE_DIR: await ownDirectory() },
      argv: ['--config-file', '/dev/null'],
      overrides,
    })

  test('are those of the services that will run', async () => {
    const names = async (overrides: object) => doorsOf(await settingsWith(overrides)).map(({ name }) => name)
    expect(await names({})).toEqual(['the API', 'the identity', 'the message hub'])
    expect(await names({ authUrl: 'http://k/v3', transportUrl: 'amqp://b' })).toEqual(['the API'])
  })

  test('fail with the one that is taken, and the option that moves it', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise((resolve) => squatter.close(() => resolve())))
    const { port } = squatter.address() as AddressInfo
    const free = {
      bindPort: 0,
      transportUrl: 'amqp://b',
      bindHost: '127.0.0.1',
      identityBindHost: '127.0.0.1',
    }
    const result = await checkPorts(await settingsWith({ ...free, identityBindPort: port }))
    expect(result).toEqual({
      name: 'ports',
      state: 'fail',
      sentence: `the identity cannot listen on 127.0.0.1:${port} (something else does)`,
      hint: 'See what listens there with ss -ltnp, or choose another with the option bind_port in [identity].',
    })
  })
})
