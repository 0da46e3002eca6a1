import pino from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { openCompute } from '../../../runtime/compute/index.ts'
import { testSettings } from '../../integration/kill/settings.ts'

test('a driver that does not exist is refused, with the names of those that do', async () => {
  const settings = { ...testSettings(), computeDriver: 'qemo' }
  await expect(
    openCompute(settings, { clock: systemClock, log: pino({ level: 'silent' }) }),
  ).rejects.toMatchObject({
    code: 'COMPUTE_DRIVER_UNKNOWN',
    message: "There is no compute driver 'qemo'",
    hint: expect.stringContaining('qemu'),
  })
})
