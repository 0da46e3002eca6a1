import type { MigrationSet } from '../../../lib/sql/index.ts'
import { datastores } from './001_datastores.ts'

export const registryMigrations: MigrationSet = {
  name: 'registry',
  migrations: { '001_datastores': datastores },
}
