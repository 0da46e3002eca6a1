import type { PositionalSpec } from '../arguments/types.ts'
import { child, objects } from '../output/fields.ts'
import { listAll } from '../service/collections.ts'
import { resource } from '../service/path.ts'
import type { Column, Command } from './types.ts'

const groupWord: PositionalSpec = { name: 'security_group', help: 'Id of the security group.' }
const rule: readonly Column[] = ['Protocol', 'From Port', 'To Port', 'Cidr'].map((title) => ({ title }))

export const securityGroupCommands: readonly Command[] = [
  {
    name: 'secgroup-list',
    group: 'Security groups',
    help: 'Lists security groups.',
    run: async ({ service, print }) => {
      const groups = await listAll(service, '/security-groups', 'security_groups')
      print.list(groups, [{ title: 'ID' }, { title: 'Name' }, { title: 'Instance ID' }])
    },
  },
  {
    name: 'secgroup-show',
    group: 'Security groups',
    help: 'Shows a security group.',
    positionals: [groupWord],
    run: async ({ service, print }, args) => {
      const path = resource('security-groups', args.one('security_group'))
      const group = child(await service.get(path), 'security_group')
      const { links: _links, rules: _rules, ...shown } = group
      print.object(shown, group)
    },
  },
  {
    name: 'secgroup-list-rules',
    group: 'Security groups',
    help: 'Lists the rules of a security group.',
    positionals: [groupWord],
    run: async ({ service, print }, args) => {
      const path = resource('security-groups', args.one('security_group'))
      const group = child(await service.get(path), 'security_group')
      print.list(objects(group.rules), [{ title: 'ID' }, ...rule])
    },
  },
  {
    name: 'secgroup-add-rule',
    group: 'Security groups',
    help: 'Lets a network reach the database.',
    positionals: [groupWord, { name: 'cidr', help: 'The network, for example 10.0.0.0/24.' }],
    run: async ({ service, print }, args) => {
      const answer = await service.post('/security-group-rules', {
        security_group_rule: { group_id: args.one('security_group'), cidr: args.one('cidr') },
      })
      const columns = [{ title: 'ID' }, { title: 'Security Group ID' }, ...rule, { title: 'Created' }]
      print.list(objects(answer.security_group_rule), columns)
    },
  },
  {
    name: 'secgroup-delete-rule',
    group: 'Security groups',
    help: 'Deletes a rule of a security group.',
    positionals: [{ name: 'security_group_rule', help: 'Id of the rule.' }],
    run: ({ service }, args) =>
      service.remove(resource('security-group-rules', args.one('security_group_rule'))),
  },
]
