import { describe, expect, test } from 'vitest'
import { hubAddress } from '../../../../runtime/control/messages.ts'
import { PROGRAMS, servicesOf } from '../../../../runtime/control/services.ts'

const EMBEDDED = { transportUrl: 'embedded://127.0.0.1:5671', authUrl: undefined }
const GROWN_UP = { transportUrl: 'amqp://u:p@broker:5672/trove', authUrl: 'http://keystone:5000/v3' }

describe('what a program runs', () => {
  test('on one machine: what there is only once goes with the API', () => {
    expect([...servicesOf('coffer', EMBEDDED)]).toEqual([
      'hub',
      'identity',
      'conductor',
      'taskmanager',
      'api',
    ])
    expect([...servicesOf('trove-api', EMBEDDED)]).toEqual(['hub', 'identity', 'api'])
    expect([...servicesOf('trove-taskmanager', EMBEDDED)]).toEqual(['taskmanager'])
    expect([...servicesOf('trove-conductor', EMBEDDED)]).toEqual(['conductor'])
  })

  test('beside RabbitMQ and Keystone: neither hub nor identity', () => {
    expect([...servicesOf('coffer', GROWN_UP)]).toEqual(['conductor', 'taskmanager', 'api'])
    expect([...servicesOf('trove-api', GROWN_UP)]).toEqual(['api'])
  })

  test('the three Trove programs together run all that coffer runs', () => {
    const three = [...PROGRAMS['trove-api'], ...PROGRAMS['trove-taskmanager'], ...PROGRAMS['trove-conductor']]
    expect(new Set(three)).toEqual(new Set(PROGRAMS.coffer))
  })
})

test.each([
  ['embedded://127.0.0.1:5671', { host: '127.0.0.1', port: 5671 }],
  ['embedded://10.0.0.1', { host: '10.0.0.1', port: 5671 }],
  ['embedded://', { host: '127.0.0.1', port: 5671 }],
  ['embedded://h:80', { host: 'h', port: 80 }],
  ['embedded://[::1]:5671', { host: '::1', port: 5671 }],
])('the hub of %s', (transportUrl, address) => {
  expect(hubAddress({ transportUrl })).toEqual(address)
})

test('a hub at no address is refused with an example', () => {
  expect(() => hubAddress({ transportUrl: 'embedded://a b' })).toThrow(
    /does not say where the message hub listens/,
  )
})
