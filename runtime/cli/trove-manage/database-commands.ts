import { CofferError } from '../../../lib/errors.ts'
import type { ManageCommand } from './commands.ts'

const sync: ManageCommand['run'] = async (_call, services) => {
  const made = await services.migrate()
  return made.length === 0 ? ['The database is up to date.'] : made.map((name) => `Migrated: ${name}`)
}

/** The infrastructure database itself (Trove contract §5.4). */
export const databaseCommands: readonly ManageCommand[] = [
  {
    name: 'db_sync',
    summary: 'Create the infrastructure database, or bring it up to date.',
    positionals: [],
    options: [{ name: 'repo_path', help: 'accepted and ignored: migrations are part of the program' }],
    run: sync,
  },
  {
    name: 'db_upgrade',
    summary: 'Bring the infrastructure database up to date.',
    positionals: [],
    options: [
      { name: 'version', help: 'accepted and ignored: the version is always the newest' },
      { name: 'repo_path', help: 'accepted and ignored: migrations are part of the program' },
    ],
    run: sync,
  },
  {
    name: 'db_downgrade',
    summary: 'Refused: going back would lose data.',
    positionals: [{ name: 'version', help: 'version to go back to' }],
    options: [{ name: 'repo_path', help: 'accepted and ignored' }],
    run: async () => {
      throw new CofferError('DATABASE_DOWNGRADE', 'Database downgrade is no longer supported.', {
        hint: 'Restore the backup that you made before the upgrade.',
      })
    },
  },
]
