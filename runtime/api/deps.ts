// Types of `summary`, `tags` and the like in a route's schema; nothing of it is loaded here.
import type {} from '@fastify/swagger'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import type { DatastoreRegistrar } from '../../registry/db/types.ts'
import type { Database } from '../db/types.ts'
import type { TokenValidator } from '../identity/types.ts'
import type { Flavor } from '../model/flavor.ts'
import type { RpcClient } from '../rpc/types.ts'
import type { Settings } from '../settings/types.ts'

/** All that the API service stands on. It holds no state of its own but the rate limits. */
export interface ApiDeps {
  readonly db: Database
  readonly rpc: RpcClient
  readonly identity: TokenValidator
  /** The flavors that servers can be made from now. */
  readonly flavors: () => Promise<readonly Flavor[]>
  readonly settings: Settings
  readonly clock: Clock
  /** Seals the arguments of tasks, which hold passwords. */
  readonly seal: { readonly seal: (text: string) => string }
  readonly log: FastifyBaseLogger
  /** What the administrator's routes write to the registry; absent: they answer 501. */
  readonly registry?: DatastoreRegistrar
}

/** What a file of routes is: it adds its routes below `/v1.0/{tenant_id}`. */
export type Routes = (app: FastifyInstance, deps: ApiDeps) => void
