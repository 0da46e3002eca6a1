import { chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { removeTree } from '../../lib/tree.ts'
import { redisManager } from '../../runtime/guestagent/managers/redis/index.ts'
import { type ManagerStage, managerContract } from '../contract/manager/suite.ts'
import { freePort } from '../free-ports.ts'
import { childService, stageHost } from './managers-stage.ts'

const installed = (await findProgram('redis-server', '/usr/bin')) !== undefined

/** A Redis server with its own directory, socket and port, run by the account `redis`. */
async function stage(): Promise<
  Omit<ManagerStage, 'stayIn'> & {
    stayIn: (user: string, password: string) => Promise<(...words: string[]) => Promise<void>>
  }
> {
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
  await chown(at('redis.conf'), uid, gid)
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
    async stayIn(user, password) {
      const client = createClient({
        socket: { host: '127.0.0.1', port, reconnectStrategy: false },
        ...(user === 'root' ? {} : { username: user }),
        password,
      })
      client.on('error', () => undefined)
      await client.connect()
      return async (...words: string[]) =>
        void (await client.sendCommand(words.length > 0 ? words : ['PING']))
    },
    holds: async (text) =>
      service.output().includes(text) ||
      (await run(['grep', '-rqsF', '-e', text, '--', directory], { check: false })).exitCode === 0,
    pid: async () => (await service.state()).mainPid,
    async close() {
      await service.stop()
      await removeTree(directory)
    },
  }
}

describe.runIf(installed)('with a real Redis', () => {
  test('what root writes down with CONFIG REWRITE and ACL SAVE holds, and the server starts again', async () => {
    const { manager, stayIn, login, close } = await stage()
    try {
      const prepare = { memory_mb: 512, packages: [], databases: [], users: [], config_contents: '' }
      await manager.prepare(prepare, () => undefined)
      await manager.root?.enable('secret')
      const root = await stayIn('root', 'secret')
      await root('ACL', 'SETUSER', 'fred', 'on', '>freds', '+ping')
      await root('ACL', 'SAVE')
      await root('CONFIG', 'REWRITE')
      await manager.root?.enable('another')
      await manager.restart()
      await login('fred', 'freds')
      await manager.root?.disable()
      await manager.restart()
      await login('fred', 'freds')
      await expect(login('root', 'another')).rejects.toThrow()
      await manager.prepare(prepare, () => undefined)
      expect(await manager.root?.isEnabled()).toBe(false)
    } finally {
      await close()
    }
  })

  managerContract(
    {
      name: 'redis',
      databases: false,
      users: false,
      hosts: false,
      rootName: 'root',
      nameAlphabet: 'a',
      logEverything: 'slowlog-log-slower-than 0\nloglevel debug',
    },
    stage,
  )
})
