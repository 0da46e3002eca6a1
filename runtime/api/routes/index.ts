import type { Routes } from '../deps.ts'
import { accessRoutes } from './access.ts'
import { databaseRoutes } from './databases.ts'
import { datastoreRoutes } from './datastores.ts'
import { flavorRoutes } from './flavors.ts'
import { instanceConfigurationRoutes } from './instance-configuration.ts'
import { instanceRoutes } from './instances.ts'
import { mgmtDatastoreRoutes } from './mgmt-datastores.ts'
import { mgmtInstanceRoutes } from './mgmt-instances.ts'
import { mgmtQuotaRoutes } from './mgmt-quotas.ts'
import { notYetRoutes } from './not-yet.ts'
import { rootRoutes } from './root.ts'
import { securityGroupRoutes } from './security-groups.ts'
import { userRoutes } from './users.ts'

/** Every family of routes below the tenant, in the order of the documentation. */
export const routeFamilies: readonly Routes[] = [
  instanceRoutes,
  instanceConfigurationRoutes,
  databaseRoutes,
  userRoutes,
  accessRoutes,
  rootRoutes,
  datastoreRoutes,
  flavorRoutes,
  securityGroupRoutes,
  notYetRoutes,
  mgmtInstanceRoutes,
  mgmtQuotaRoutes,
  mgmtDatastoreRoutes,
]
