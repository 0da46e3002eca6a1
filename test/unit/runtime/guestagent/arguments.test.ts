import { expect, test } from 'vitest'
import { pageArgument, prepareArguments, userOf } from '../../../../runtime/guestagent/arguments.ts'

test('the arguments of prepare are read; empty ones count as absent', () => {
  expect(
    prepareArguments({
      memory_mb: 512,
      packages: ['mysql-server'],
      databases: [{ _name: 'd', _character_set: null, _collate: 'utf8_bin' }],
      users: [{ _name: 'u', _password: 'p', _databases: [{ _name: 'd' }] }],
      config_contents: '[mysqld]\n',
      device_path: '',
      mount_point: null,
      root_password: 'r',
    }),
  ).toEqual({
    memory_mb: 512,
    packages: ['mysql-server'],
    databases: [{ _name: 'd', _collate: 'utf8_bin' }],
    users: [{ _name: 'u', _host: '%', _password: 'p', _databases: [{ _name: 'd' }] }],
    config_contents: '[mysqld]\n',
    root_password: 'r',
  })
})

test('a host that is not given is every host', () => {
  expect(userOf({ _name: 'u', _host: '' })).toMatchObject({ _host: '%' })
})

test('a page has a limit, and at most a thousand items', () => {
  expect(pageArgument({})).toEqual({ limit: 1000, includeMarker: false })
  expect(pageArgument({ limit: 5, marker: 'x', include_marker: true })).toEqual({
    limit: 5,
    marker: 'x',
    includeMarker: true,
  })
  expect(pageArgument({ limit: '7' })).toMatchObject({ limit: 7 })
  expect(() => pageArgument({ limit: 'many' })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
})
