import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import type { DatastoreRegistrar } from '../../../registry/db/index.ts'
import { type ImageStore, openImageStore } from '../../../registry/images/store.ts'
import { migrate, openDatabase } from '../../db/index.ts'
import type { Database } from '../../db/types.ts'
import { imagePolicyOf } from '../../settings/image-policy.ts'
import { loadSettings } from '../../settings/index.ts'
import type { Settings } from '../../settings/types.ts'

/** What a command works with, opened when it asks. */
export interface ManageServices {
  readonly settings: () => Promise<Settings>
  readonly database: () => Promise<Database & { readonly datastores: DatastoreRegistrar }>
  readonly migrate: () => Promise<readonly string[]>
  readonly images: () => Promise<ImageStore>
  readonly close: () => Promise<void>
}

/** @param configFiles of `--config-file`, later ones win */
export function manageServices(configFiles: readonly string[]): ManageServices {
  let settings: Promise<Settings> | undefined
  let database: ReturnType<ManageServices['database']> | undefined
  const services: ManageServices = {
    settings: () => {
      settings ??= loadSettings({ env: process.env, files: configFiles })
      return settings
    },
    database: () => {
      database ??= services
        .settings()
        .then(({ databaseUrl }) => openDatabase(databaseUrl, { clock: systemClock })) as ReturnType<
        ManageServices['database']
      >
      return database
    },
    migrate: async () => migrate((await services.settings()).databaseUrl),
    images: async () => {
      const settings = await services.settings()
      return openImageStore(join(settings.stateDir, 'images'), { policy: imagePolicyOf(settings) })
    },
    close: async () => (await database?.catch(() => undefined))?.close(),
  }
  return services
}
