import type { PositionalSpec } from '../arguments/types.ts'
import { child, isObject, text } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { BACKUP, findId, findWhole, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import { waitOptions } from '../wait/types.ts'
import { present } from './instance-view.ts'
import type { Column, Command, JsonObject } from './types.ts'
import { instanceWord, option, pageOptions } from './words.ts'

const backupWord: PositionalSpec = { name: 'backup', help: 'Name or id of the backup.' }
const columns: readonly Column[] = ['ID', 'Name', 'Status', 'Parent ID', 'Updated'].map((title) => ({
  title,
}))
const withInstance: readonly Column[] = columns.toSpliced(1, 0, { title: 'Instance ID' })

export const backupCommands: readonly Command[] = [
  {
    name: 'backup-list',
    group: 'Backups',
    help: 'Lists backups.',
    options: [...pageOptions, option('--datastore', 'datastore', 'Only those of this datastore.')],
    run: async ({ service, print }, args) => {
      const backups = await listAll(service, '/backups', 'backups', {
        limit: args.maybe('limit'),
        marker: args.maybe('marker'),
        filters: { datastore: args.maybe('datastore') },
      })
      print.list(backups, withInstance, 'as given')
    },
  },
  {
    name: 'backup-list-instance',
    group: 'Backups',
    help: 'Lists the backups of an instance.',
    positionals: [instanceWord],
    options: pageOptions,
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const backups = await listAll(service, `${resource('instances', id)}/backups`, 'backups', {
        limit: args.maybe('limit'),
        marker: args.maybe('marker'),
      })
      print.list(backups, columns, 'as given')
    },
  },
  {
    name: 'backup-show',
    group: 'Backups',
    help: 'Shows a backup.',
    positionals: [backupWord],
    run: async ({ service, print }, args) => {
      const backup = await findWhole(service, BACKUP, args.one('backup'))
      print.object(backupTable(backup), backup)
    },
  },
  {
    name: 'backup-create',
    group: 'Backups',
    help: 'Makes a backup of an instance.',
    positionals: [instanceWord, { name: 'name', help: 'Name of the backup; it need not be unique.' }],
    options: [
      option('--description', 'description', 'What the backup is for.'),
      option('--parent', 'parent', 'Name or id of a backup: only what has changed since is kept.'),
      {
        names: ['--incremental'],
        takes: 'flag',
        help: 'Keep only what has changed since the last backup of the instance, if there is one.',
      },
      ...waitOptions,
    ],
    run: async ({ service, print, wait }, args) => {
      const instance = await findId(service, INSTANCE, args.one('instance'))
      const parent = args.maybe('parent')
      const request = present({
        name: args.one('name'),
        instance,
        description: args.maybe('description'),
        parent_id: parent === undefined ? undefined : await findId(service, BACKUP, parent),
        incremental: args.has('incremental') ? 1 : undefined,
      })
      const created = child(await service.post('/backups', { backup: request }), 'backup')
      const goal = { noun: BACKUP, id: text(created.id) ?? '', name: args.one('name') }
      const backup = (await wait.until(args, goal)) ?? created
      print.object(backupTable(backup), backup)
    },
  },
  {
    name: 'backup-copy',
    group: 'Backups',
    help: 'Makes a backup from another backup.',
    positionals: [
      { name: 'name', help: 'Name of the new backup.' },
      { name: 'backup', help: 'Name or id of the backup to copy.' },
    ],
    options: [
      option('--region', 'region', 'Region of the backup to copy.'),
      option('--description', 'description', 'What the backup is for.'),
    ],
    run: async ({ service, print }, args) => {
      const source = await findId(service, BACKUP, args.one('backup'))
      const backup = present({
        name: args.one('name'),
        description: args.maybe('description'),
        backup: present({ id: source, region: args.maybe('region') }),
      })
      const copied = child(await service.post('/backups', { backup }), 'backup')
      print.object(backupTable(copied), copied)
    },
  },
  {
    name: 'backup-delete',
    group: 'Backups',
    help: 'Deletes a backup and those that build on it.',
    positionals: [backupWord],
    options: waitOptions,
    run: async ({ service, wait }, args) => {
      const id = await findId(service, BACKUP, args.one('backup'))
      await service.remove(resource('backups', id))
      await wait.until(args, { noun: BACKUP, id, name: args.one('backup'), gone: true })
    },
  },
]

/** A backup with its datastore in two rows. */
function backupTable(backup: JsonObject): JsonObject {
  if (!isObject(backup.datastore)) return backup
  const { type, version } = backup.datastore
  return { ...backup, ...present({ datastore: type, datastore_version: version }) }
}
