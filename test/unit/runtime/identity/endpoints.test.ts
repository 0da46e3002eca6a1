import { expect, test } from 'vitest'
import { endpointsFor } from '../../../../runtime/identity/endpoints.ts'

const settings = {
  bindHost: '0.0.0.0',
  bindPort: 8779,
  identityBindHost: '0.0.0.0',
  identityBindPort: 5000,
  publicEndpoint: undefined,
  region: 'RegionOne',
}

test('clients get the services under the host that they reached the identity by', () => {
  expect(endpointsFor(settings, 'db.example:15000')).toEqual({
    identity: 'http://db.example:15000',
    database: 'http://db.example:8779',
    region: 'RegionOne',
  })
  expect(endpointsFor(settings, '[::1]:5000').database).toBe('http://[::1]:8779')
})

test('without a usable host they get the address that is listened on', () => {
  for (const host of [undefined, '', 'a b', 'user@evil', 'x/y', 'a?b', '%']) {
    expect(endpointsFor(settings, host)).toMatchObject({
      identity: 'http://127.0.0.1:5000',
      database: 'http://127.0.0.1:8779',
    })
  }
  expect(endpointsFor({ ...settings, bindHost: '2001:db8::1' }).database).toBe('http://[2001:db8::1]:8779')
})

test('the option public_endpoint goes before all that', () => {
  const of = (publicEndpoint: string) =>
    endpointsFor({ ...settings, publicEndpoint }, 'db.example:5000').database
  expect(of('https://trove.example/')).toBe('https://trove.example')
  expect(of('trove.example:8779')).toBe('http://trove.example:8779')
})
