import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { computeContract } from '../contract/compute/suite.ts'
import { tinyGuest } from './qemu-compute-guest.ts'
import { openBench, pidOf } from './qemu-compute-support.ts'

computeContract('qemu', async () => {
  const bench = await openBench({ guestRange: '127.80.0.0/24' })
  await writeFile(join(bench.stateDir, 'flavors.yaml'), '[{id: 1, name: tiny, ram: 128, vcpus: 1}]\n')
  return {
    driver: bench.driver,
    reopen: bench.reopen,
    image: { id: 'tiny', path: await tinyGuest(), format: 'qcow2' },
    flavorId: '1',
    crash: async (id) => {
      process.kill(await pidOf(bench.stateDir, id), 'SIGKILL')
    },
    release: bench.release,
    patienceMs: 20_000,
  }
})
