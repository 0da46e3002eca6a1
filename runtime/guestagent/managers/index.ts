import { CofferError } from '../../../lib/errors.ts'
import type { DatastoreManager } from '../types.ts'
import type { ManagerHost } from './host.ts'

/** A manager that is loaded when its guest needs it: the clients of the others would only cost start time. */
export interface ManagerEntry {
  readonly load: () => Promise<(host: ManagerHost) => DatastoreManager>
}

/** The managers that a guest agent has, by the name that a datastore version gives (`datastore_manager`). */
export const MANAGERS: Readonly<Record<string, ManagerEntry>> = {
  mysql: { load: async () => (await import('./mysql/index.ts')).mysqlManager },
  mariadb: { load: async () => (await import('./mariadb/index.ts')).mariadbManager },
  postgresql: { load: async () => (await import('./postgresql/index.ts')).postgresqlManager },
  redis: { load: async () => (await import('./redis/index.ts')).redisManager },
}

/** @throws CofferError `MANAGER_UNKNOWN` */
export function managerEntry(name: string): ManagerEntry {
  const found = Object.hasOwn(MANAGERS, name) ? MANAGERS[name] : undefined
  if (found !== undefined) return found
  throw new CofferError('MANAGER_UNKNOWN', `This guest agent has no manager '${name}'.`, {
    hint: `It has ${Object.keys(MANAGERS).join(', ')}. The datastore version names one of them as its manager.`,
  })
}
