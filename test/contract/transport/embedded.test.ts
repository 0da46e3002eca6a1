import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../lib/exec.ts'
import { removeTree } from '../../../lib/tree.ts'
import { transportAdmin } from '../../../runtime/transport/index.ts'
import { transportUrl } from '../../../runtime/transport/url.ts'
import { transportContract } from './suite.ts'

transportContract(
  'embedded',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-transport-'))
    const secrets = join(directory, 'secrets.json')
    const known: Record<string, string> = { 'control:test': 'the secret of the control process' }
    const remember = () => writeFile(secrets, JSON.stringify(known))
    await remember()

    let port = 0
    let pid = 0
    let ended: Promise<unknown> = Promise.resolve()
    const launch = () =>
      new Promise<void>((resolve, reject) => {
        const program = new URL('../../fixtures/transport/hub.ts', import.meta.url).pathname
        const log: string[] = []
        ended = run([process.execPath, program, String(port), join(directory, 'store'), secrets], {
          check: false,
          onLine(line, stream) {
            log.push(line)
            if (stream !== 'stdout') return
            const started = JSON.parse(line) as { pid: number; port: number }
            pid = started.pid
            port = started.port
            resolve()
          },
        }).then(() => reject(new Error(`the hub ended: ${log.join('\n')}`)))
        ended.catch(() => undefined)
      })
    const kill = async () => {
      process.kill(pid, 'SIGKILL')
      await ended.catch(() => undefined)
    }
    await launch()

    const controlUrl = transportUrl({
      identity: 'control:test',
      secret: 'the secret of the control process',
      host: '127.0.0.1',
      port,
    })
    const admin = await transportAdmin({ transportUrl: controlUrl })
    return {
      controlUrl,
      impostorUrl: (claimed, secret) => admin.guestUrl(claimed, secret),
      // As the control plane does: the secret is on record before the guest is created, and gone before it is deleted.
      admin: {
        ...admin,
        async createGuest(instanceId, secret) {
          known[`guest:${instanceId}`] = secret
          await remember()
          await admin.createGuest(instanceId, secret)
        },
        async deleteGuest(instanceId) {
          delete known[`guest:${instanceId}`]
          await remember()
          await admin.deleteGuest(instanceId)
        },
      },
      kill,
      restart: launch,
      async stop() {
        await admin.close()
        await kill()
        await removeTree(directory)
      },
    }
  },
  { refusalMs: 1000 },
)
