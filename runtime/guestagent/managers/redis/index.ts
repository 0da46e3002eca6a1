import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../../../lib/errors.ts'
import { writeAtomically } from '../../../../lib/write-atomically.ts'
import type { PrepareArgs, VolumeArgs } from '../../../rpc/guest-methods.ts'
import { writeEngineFiles } from '../../engine-files.ts'
import { randomPassword } from '../../passwords.ts'
import { STATE_DIRECTORY } from '../../state.ts'
import type { DatastoreManager } from '../../types.ts'
import { engineService } from '../engine-service.ts'
import { prepareEngineVolume } from '../engine-volume.ts'
import type { ManagerHost } from '../host.ts'
import { AGENT_ACCOUNT, accountsFile, rootHashIn, rootRole } from './accounts.ts'
import { loadClient, redisAt } from './connection.ts'
import { ACCOUNTS_FILE, IMAGE_CONFIG, type RedisPlaces, serverFiles } from './server-files.ts'

const NAME = 'redis'

/** The places of element redis. */
const PLACES: RedisPlaces = {
  dataPath: '/var/lib/redis',
  configDirectory: '/etc/redis/conf.d',
  socketPath: '/run/redis/redis.sock',
  port: 6379,
  secretFile: join(STATE_DIRECTORY, 'redis-password'),
}

/** The manager of Redis: no databases and no users (contract §6.3), but a root. */
export function redisManager(host: ManagerHost, places: RedisPlaces = PLACES): DatastoreManager {
  const withRedis = redisAt({
    socketPath: places.socketPath,
    username: AGENT_ACCOUNT,
    password: () => textOf(places.secretFile),
  })
  const ping = () => withRedis((send) => send('PING'))
  const { halt, ...engine } = engineService(host, ping, loadClient, places.socketPath)
  const accounts = join(places.configDirectory, ACCOUNTS_FILE)
  const saveAccounts = async (rootHash: string | undefined): Promise<void> => {
    const present = (await textOf(accounts)) ?? ''
    const content = accountsFile(present, await agentPassword(places.secretFile), rootHash)
    await writeEngineFiles([{ path: accounts, content }], places.dataPath)
  }
  const root = rootRole(withRedis, saveAccounts)
  const makeReady = async (volume: VolumeArgs, progress: (step: string) => void): Promise<void> => {
    await halt()
    await prepareEngineVolume(NAME, places.dataPath, host, volume, progress)
  }
  return {
    name: NAME,
    dataPath: places.dataPath,
    makeReady,
    async prepare(args, progress) {
      await makeReady(args, progress)
      progress('writing the configuration')
      await saveAccounts(rootHashIn((await textOf(accounts)) ?? ''))
      await writeConfiguration(places, args)
      progress('starting the database')
      await engine.start()
      if (args.root_password !== undefined) await root.enable(args.root_password)
    },
    ...engine,
    root,
  }
}

async function writeConfiguration(places: RedisPlaces, args: PrepareArgs): Promise<void> {
  const { config_contents: main, overrides = '' } = args
  const files = serverFiles(places, { main, overrides })
  await writeEngineFiles(
    files.map(({ name, content }) => ({ path: join(places.configDirectory, name), content })),
    places.dataPath,
  )
  await rm(join(places.configDirectory, IMAGE_CONFIG), { force: true })
}

/** The password of the agent's account: made once, kept where only root reads. */
async function agentPassword(file: string): Promise<string> {
  const kept = await textOf(file)
  if (kept !== undefined) return kept
  const made = randomPassword()
  await writeAtomically(file, made, 0o600)
  return made
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}
