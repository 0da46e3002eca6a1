import { FLAVOR, findId, INSTANCE } from '../service/find.ts'
import { resource } from '../service/path.ts'
import { waitOptions } from '../wait/types.ts'
import type { Command } from './types.ts'
import { instanceWord, wholeNumber } from './words.ts'

export const resizeCommands: readonly Command[] = [
  {
    name: 'resize-instance',
    aliases: ['resize-flavor'],
    group: 'Resizing',
    help: 'Gives an instance another flavor.',
    positionals: [instanceWord, { name: 'flavor', help: 'Name or id of the new flavor.' }],
    options: waitOptions,
    run: async ({ service, wait }, args) => {
      const id = await findId(service, INSTANCE, args.one('instance'))
      const flavor = await findId(service, FLAVOR, args.one('flavor'))
      const flavorRef = /^\d{1,15}$/.test(flavor) ? Number(flavor) : flavor
      await service.post(`${resource('instances', id)}/action`, { resize: { flavorRef } })
      await wait.until(args, { noun: INSTANCE, id, name: args.one('instance') })
    },
  },
  {
    name: 'resize-volume',
    group: 'Resizing',
    help: 'Makes the data volume of an instance larger.',
    positionals: [instanceWord, { name: 'size', help: 'New size in GB.' }],
    options: waitOptions,
    run: async ({ service, wait }, args) => {
      const size = wholeNumber('<size>', args.one('size'))
      const id = await findId(service, INSTANCE, args.one('instance'))
      await service.post(`${resource('instances', id)}/action`, { resize: { volume: { size } } })
      await wait.until(args, { noun: INSTANCE, id, name: args.one('instance') })
    },
  },
]
