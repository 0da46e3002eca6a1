import { chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { describe } from 'vitest'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { removeTree } from '../../lib/tree.ts'
import { redisManager } from '../../runtime/guestagent/managers/redis/index.ts'
import { type ManagerStage, managerContract } from '../contract/manager/suite.ts'
import { childService, freePort, stageHost } from './managers-stage.ts'

const installed = (await findProgram('redis-server', '/usr/bin')) !== undefined

/** A Redis server with its own directory, socket and port, run by the account `redis`. */
async function stage(): Promise<ManagerStage> {
  const directory = await mkdtemp('/tmp/coffer-redis.')
  const at = (name: string) => join(directory, name)
  const id = async (flag: string) => Number((await run(['id', flag, 'redis'])).stdout)
  const [uid, gid] = [await id('-u'), await id('-g')]
  for (const name of ['', 'data', 'conf.d']) {
    if (name !== '') await mkdir(at(name))
    await chown(at(name), uid, gid)
  }
  const port = await freePort()
  await writeFile(at('redis.conf'), `save ""\ninclude ${at('conf.d')}/*.conf\n`, { mode: 0o644 })
  const service = childService(['/usr/bin/redis-server', at('redis.conf')], { uid, gid })
  const manager = redisManager(stageHost(service), {
    dataPath: at('data'),
    configDirectory: at('conf.d'),
    socketPath: at('redis.sock'),
    port,
    secretFile: at('secret'),
  })
  return {
    manager,
    async login(user, password) {
      const client = createClient({
        socket: { host: '127.0.0.1', port, reconnectStrategy: false },
        ...(user === 'root' || user === '' ? {} : { username: user }),
        ...(password === '' ? {} : { password }),
      })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.ping()
      } finally {
        client.destroy()
      }
    },
    async close() {
      await service.stop()
      await removeTree(directory)
    },
  }
}

describe.runIf(installed)('with a real Redis', () => {
  managerContract(
    { name: 'redis', databases: false, users: false, hosts: false, rootName: 'root', nameAlphabet: 'a' },
    stage,
  )
})
