import { awaitRunning, statusOf } from '../../service/await-running.ts'
import type { DatastoreManager } from '../../types.ts'
import type { ManagerHost } from '../host.ts'
import { connectionTo } from './connection.ts'
import { databaseRole } from './databases.ts'
import { flushNewDatabases } from './durable.ts'
import type { MysqlFamily } from './family.ts'
import { prepareServer } from './prepare.ts'
import { rootRole } from './root.ts'
import { userRole } from './users.ts'

/** The manager of a server of the MySQL family. */
export function mysqlFamilyManager(family: MysqlFamily, host: ManagerHost): DatastoreManager {
  const withConnection = connectionTo({ socketPath: family.socketPath })
  const answers = () =>
    withConnection((connection) => connection.query('SELECT 1')).then(
      () => true,
      () => false,
    )
  const root = rootRole(withConnection)
  const start = async (): Promise<void> => {
    await host.service.permit(true)
    await host.service.start()
    await awaitRunning(host.service, answers, host.clock)
  }
  return {
    name: family.name,
    dataPath: family.dataPath,
    async prepare(args, progress) {
      await prepareServer(family, host, withConnection, answers, args, progress)
      if (args.root_password !== undefined) await root.enable(args.root_password)
    },
    start,
    async stop({ doNotStartOnReboot }) {
      await host.service.stop()
      if (doNotStartOnReboot) await host.service.permit(false)
    },
    async restart() {
      await host.service.stop()
      await start()
    },
    status: () => statusOf(host.service, answers),
    databases: databaseRole(withConnection, () => flushNewDatabases(family.dataPath, host.clock.now())),
    users: userRole(withConnection, family.ownAccounts),
    root,
  }
}
