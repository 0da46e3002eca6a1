import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import { removeTree } from '../../../lib/tree.ts'
import { killFakeServer, openFakeCompute } from '../../../runtime/compute/fake/index.ts'
import { computeContract } from './suite.ts'

computeContract('fake', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-compute-'))
  const open = () => openFakeCompute(directory, { clock: systemClock })
  return {
    driver: await open(),
    reopen: open,
    image: { id: 'image-1', path: '/nowhere/image.qcow2', format: 'qcow2' },
    flavorId: '1',
    crash: (id) => killFakeServer(directory, id, 'its machine crashed'),
    release: () => removeTree(directory),
    patienceMs: 2000,
  }
})
