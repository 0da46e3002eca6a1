import type { MigrationSet } from '../../../lib/sql/index.ts'
import { instances } from './001_instances.ts'
import { quotas } from './002_quotas.ts'
import { securityGroups } from './003_security_groups.ts'
import { tasks } from './004_tasks.ts'

export const runtimeMigrations: MigrationSet = {
  name: 'runtime',
  migrations: {
    '001_instances': instances,
    '002_quotas': quotas,
    '003_security_groups': securityGroups,
    '004_tasks': tasks,
  },
}
