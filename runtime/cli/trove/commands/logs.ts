import type { Arguments, OptionSpec } from '../arguments/types.ts'
import { child, objects } from '../output/fields.ts'
import { findId, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import type { Command } from './types.ts'
import { instanceWord } from './words.ts'

const disable: OptionSpec = { names: ['--disable'], takes: 'flag', help: 'And stop collecting it.' }
const discard: OptionSpec = {
  names: ['--discard'],
  takes: 'flag',
  help: 'And forget what was published before.',
}

export const logCommands: readonly Command[] = [
  {
    name: 'log-list',
    group: 'Logs',
    help: 'Lists the logs of an instance.',
    positionals: [instanceWord],
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const titles = ['Name', 'Type', 'Status', 'Published', 'Pending', 'Container', 'Prefix']
      const { logs } = await service.get(`${resource('instances', id)}/log`)
      print.list(
        objects(logs),
        titles.map((title) => ({ title })),
      )
    },
  },
  logCommand('log-show', 'Shows a log of an instance.', []),
  logCommand('log-enable', 'Starts collecting a log.', ['enable']),
  logCommand('log-disable', 'Stops collecting a log.', ['disable'], [discard]),
  logCommand(
    'log-publish',
    'Publishes what a log has got since the last time.',
    ['publish'],
    [disable, discard],
  ),
  logCommand('log-discard', 'Forgets what was published of a log.', ['discard']),
]

/** A command that asks for actions on one log; none of them shows it (contract §1.3, #11). */
function logCommand(
  name: string,
  help: string,
  actions: readonly string[],
  options: readonly OptionSpec[] = [],
): Command {
  const also = (args: Arguments) => ['disable', 'discard'].filter((action) => args.has(action))
  return {
    name,
    group: 'Logs',
    help,
    positionals: [instanceWord, { name: 'log_name', help: 'Name of the log.' }],
    options,
    run: async ({ service, print }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const asked = Object.fromEntries([...actions, ...also(args)].map((action) => [action, 1]))
      const answer = await service.post(`${resource('instances', id)}/log`, {
        name: args.one('log_name'),
        ...asked,
      })
      print.properties(child(answer, 'log'))
    },
  }
}
