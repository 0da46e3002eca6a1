import { datastoreSuite } from './datastores.ts'
import type { Engine } from './fixtures.ts'
import { instanceSuite } from './instances.ts'
import { quotaSuite } from './quotas.ts'
import { recordSuite } from './records.ts'
import { statusSuite } from './statuses.ts'
import { taskSuite } from './tasks.ts'

export { processSuite } from './processes.ts'

/** What the infrastructure database must do on every engine. */
export function repositorySuite(engine: Engine): void {
  instanceSuite(engine)
  statusSuite(engine)
  quotaSuite(engine)
  taskSuite(engine)
  recordSuite(engine)
  datastoreSuite(engine)
}
