import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identityOf, principalOf, queueName } from '../../../../runtime/transport/names.ts'
import { guestPermissions, outExchange } from '../../../../runtime/transport/rabbitmq/topology.ts'
import { formatAmqpUrl, parseAmqpUrl } from '../../../../runtime/transport/rabbitmq/url.ts'
import { parseTransportUrl, transportUrl } from '../../../../runtime/transport/url.ts'

describe('queue names', () => {
  test('are these four families', () => {
    for (const name of ['taskmanager', 'trove-conductor', 'guestagent.1b9d-4f', 'reply.api.77']) {
      expect(queueName(name)).toBe(name)
    }
  })

  test.each([
    '',
    '*',
    '#',
    'guestagent.',
    'guestagent.*',
    'guestagent.a b',
    'reply.#',
    'api',
    'taskmanager.x',
    'guestagent.a\n',
  ])('%j is none', (name) =>
    expect(() => queueName(name)).toThrow(expect.objectContaining({ code: 'TRANSPORT_REFUSED' })),
  )
})

test('an identity names a guest or a control process, and nothing else', () => {
  for (const identity of ['guest:1b9d', 'control:api']) {
    const principal = principalOf(identity)
    expect(principal && identityOf(principal)).toBe(identity)
  }
  for (const identity of ['guest:', 'guest', 'root:x', 'guest:a/b', 'guest:a:b', '', ':x']) {
    expect(principalOf(identity)).toBeUndefined()
  }
})

describe('transport URLs', () => {
  test('carry any secret there and back', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'binary' }),
        fc.integer({ min: 1, max: 65_535 }),
        (secret, port) => {
          const address = { identity: 'guest:1b9d', secret: secret.toWellFormed(), host: '10.0.2.100', port }
          expect(parseTransportUrl(transportUrl(address))).toEqual(address)
          const amqp = {
            protocol: 'amqps',
            host: '::1',
            port,
            user: 'guest-1b9d',
            password: secret.toWellFormed(),
            vhost: 'a/b',
            caFile: '/etc/ca.pem',
          } as const
          expect(parseAmqpUrl(formatAmqpUrl(amqp))).toEqual(amqp)
        },
      ),
    )
  })

  test('take an IPv6 address, and 5671 when no port is named', () => {
    expect(parseTransportUrl('coffer://control:api:aa@[::1]')).toEqual({
      identity: 'control:api',
      secret: 'aa',
      host: '::1',
      port: 5671,
    })
  })

  test.each([
    '',
    'coffer://host',
    'coffer://guest:hush@',
    'http://a:hush@b',
    'coffer://a:hush@b:99999',
    'coffer://a:%zzhush@b',
  ])('that are wrong are refused without being repeated: %j', (url) => {
    const error = (() => {
      try {
        return parseTransportUrl(url)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toMatchObject({ code: 'TRANSPORT_URL_INVALID' })
    expect((error as Error).message).not.toContain('hush')
  })
})

test("a guest's rights in RabbitMQ match its own names and no others", () => {
  const { configure, write, read } = guestPermissions('1b9d-4f.2')
  const names = ['', 'amq.default', 'out.1b9d-4fx2', 'out.1b9d-4f.2x', 'guestagent.1b9d-4f.22', 'taskmanager']
  for (const name of names.filter((name) => name !== '')) {
    for (const pattern of [configure, write, read]) expect(new RegExp(pattern).test(name)).toBe(false)
  }
  expect(new RegExp(write).test(outExchange('1b9d-4f.2'))).toBe(true)
  expect(new RegExp(read).test('guestagent.1b9d-4f.2')).toBe(true)
})
