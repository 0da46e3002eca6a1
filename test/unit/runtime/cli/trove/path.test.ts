import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nicOf, userOf } from '../../../../../runtime/cli/trove/commands/instance-request.ts'
import { account, query, resource, userAtHost } from '../../../../../runtime/cli/trove/service/path.ts'

test('whatever a name contains, it is one part of a path and comes back as it was', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text !== '.' && text !== '..')
  fc.assert(
    fc.property(name, (text) => {
      const path = account(text)
      expect(path).toMatch(/^\/[^/?#.]*$/)
      expect(decodeURIComponent(path.slice(1))).toBe(text)
      // The URL that is sent still has it as its last part.
      expect(new URL(`http://h/users${path}`).pathname.split('/').length).toBe(3)
    }),
  )
})

test('a name that would be another object in a URL is refused', () => {
  for (const name of ['', '.', '..'])
    expect(() => resource('instances', 'i', name)).toThrow('cannot be a name')
  expect(() => account(userAtHost('', '%'))).toThrow('cannot be a name')
})

test('a user with an @ in its name gets a host, because the last @ divides', () => {
  expect(userAtHost('user1', undefined)).toBe('user1')
  expect(userAtHost('user1', '10.0.0.1')).toBe('user1@10.0.0.1')
  expect(userAtHost('a@b', undefined)).toBe('a@b@%')
})

test('a query has only what is there, booleans as True and False', () => {
  expect(query({ limit: '2', marker: undefined, include_clustered: true })).toBe(
    '?limit=2&include_clustered=True',
  )
  expect(query({ limit: undefined })).toBe('')
})

test('a user is name:password, divided at the first colon', () => {
  expect(userOf('u:p:q', [{ name: 'db' }])).toEqual({
    name: 'u',
    password: 'p:q',
    databases: [{ name: 'db' }],
  })
  for (const bad of ['nopassword', ':p']) expect(() => userOf(bad, [])).toThrow('<user:password>')
})

test('a message about a bad user does not repeat what may be its password', () => {
  expect(() => userOf('hunter2', [])).toThrow(/^(?!.*hunter2)/)
})

test('a network card is on a network or a port, not both', () => {
  expect(nicOf('net-id=n,v4-fixed-ip=10.0.0.5')).toEqual({ 'net-id': 'n', 'v4-fixed-ip': '10.0.0.5' })
  for (const bad of ['net-id=a,port-id=b', 'foo=bar', 'v4-fixed-ip=1.2.3.4', 'net-id=', 'x']) {
    expect(() => nicOf(bad)).toThrow(`Invalid NIC argument: nic='${bad}'.`)
  }
})
