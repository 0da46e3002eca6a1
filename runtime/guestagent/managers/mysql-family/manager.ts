import type { VolumeArgs } from '../../../rpc/guest-methods.ts'
import type { DatastoreManager } from '../../types.ts'
import { engineService } from '../engine-service.ts'
import type { ManagerHost } from '../host.ts'
import { connectionTo, loadClient } from './connection.ts'
import { databaseRole } from './databases.ts'
import { flushNewDatabases } from './durable.ts'
import type { MysqlFamily } from './family.ts'
import { prepareGround, writeConfiguration } from './prepare.ts'
import { rootRole } from './root.ts'
import { secure } from './secure.ts'
import { userRole } from './users.ts'

/** The manager of a server of the MySQL family. */
export function mysqlFamilyManager(family: MysqlFamily, host: ManagerHost): DatastoreManager {
  const withConnection = connectionTo({ socketPath: family.socketPath })
  const { halt, ...engine } = engineService(
    host,
    () => withConnection((connection) => connection.query('SELECT 1')),
    loadClient,
    family.socketPath,
  )
  const root = rootRole(withConnection)
  const makeReady = async (volume: VolumeArgs, progress: (step: string) => void): Promise<void> => {
    await halt()
    await prepareGround(family, host, volume, progress)
  }
  return {
    name: family.name,
    dataPath: family.dataPath,
    makeReady,
    async prepare(args, progress) {
      await makeReady(args, progress)
      progress('writing the configuration')
      await writeConfiguration(family, args)
      progress('starting the database')
      await engine.start()
      progress('securing the database')
      await withConnection(secure)
      if (args.root_password !== undefined) await root.enable(args.root_password)
    },
    ...engine,
    databases: databaseRole(withConnection, () => flushNewDatabases(family.dataPath, host.clock.now())),
    users: userRole(withConnection, family.ownAccounts),
    root,
  }
}
