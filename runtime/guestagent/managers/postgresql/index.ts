import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../../../lib/path-kind.ts'
import type { PrepareArgs, VolumeArgs } from '../../../rpc/guest-methods.ts'
import { writeEngineFiles } from '../../engine-files.ts'
import { selfSigned } from '../../tls/self-signed.ts'
import type { DatastoreManager } from '../../types.ts'
import { engineService } from '../engine-service.ts'
import { prepareEngineVolume } from '../engine-volume.ts'
import type { ManagerHost } from '../host.ts'
import { clientFor, loadClient, type WithClient } from './connection.ts'
import { databaseRole } from './databases.ts'
import { rootRole } from './root.ts'
import { IMAGE_CONFIG, type PostgresqlPlaces, placesOf, serverFiles } from './server-files.ts'
import { userRole } from './users.ts'

const NAME = 'postgresql'

/** The manager of PostgreSQL. */
export function postgresqlManager(
  host: ManagerHost,
  places: PostgresqlPlaces = placesOf(host.unit),
): DatastoreManager {
  const withClient = clientFor(places)
  const { halt, ...engine } = engineService(
    host,
    () => withClient((client) => client.query('SELECT 1')),
    loadClient,
    join(places.socketDirectory, `.s.PGSQL.${places.port}`),
  )
  const root = rootRole(withClient)
  const makeReady = async (volume: VolumeArgs, progress: (step: string) => void): Promise<void> => {
    await halt()
    await Promise.all([
      writeKeys(places, host),
      prepareEngineVolume(NAME, places.home, host, volume, progress),
    ])
  }
  return {
    name: NAME,
    dataPath: places.home,
    makeReady,
    async prepare(args, progress) {
      await makeReady(args, progress)
      progress('writing the configuration')
      await writeConfiguration(places, args)
      progress('starting the database')
      await engine.start()
      progress('securing the database')
      await secure(withClient)
      if (args.root_password !== undefined) await root.enable(args.root_password)
    },
    ...engine,
    databases: databaseRole(withClient),
    users: userRole(withClient),
    root,
  }
}

async function writeConfiguration(places: PostgresqlPlaces, args: PrepareArgs): Promise<void> {
  const { config_contents: main, overrides = '' } = args
  await writeEngineFiles(serverFiles(places, { main, overrides }), places.dataPath)
  await rm(join(places.configDirectory, 'conf.d', IMAGE_CONFIG), { force: true })
}

/** Every user may connect to every database unless somebody forbids it. */
async function secure(withClient: WithClient): Promise<void> {
  await withClient((client) =>
    client.query('REVOKE ALL ON DATABASE postgres FROM PUBLIC; REVOKE ALL ON DATABASE template1 FROM PUBLIC'),
  )
}

async function writeKeys(places: PostgresqlPlaces, host: ManagerHost): Promise<void> {
  const at = (name: string) => join(places.configDirectory, 'coffer-tls', name)
  // The last one written: where it is, both are.
  if (await exists(at('server-key.pem'))) return
  const { key, certificate } = await selfSigned(host.guestId, host.clock.now())
  await writeEngineFiles(
    [
      { path: at('server-cert.pem'), content: certificate, mode: 0o644 },
      { path: at('server-key.pem'), content: key, mode: 0o600 },
    ],
    places.configDirectory,
  )
}
