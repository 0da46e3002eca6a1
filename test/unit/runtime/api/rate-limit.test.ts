import { expect, test } from 'vitest'
import { rateLimiter } from '../../../../runtime/api/frame/rate-limit.ts'
import { testClock, testSettings } from './support.ts'

const settings = testSettings({ httpGetRate: 3, httpPostRate: 60, httpMgmtPostRate: 2, httpPutRate: 1 })

test('the minute is shared out: so many at once, then one each share of the minute', () => {
  const clock = testClock()
  const limiter = rateLimiter(settings, clock)
  expect([1, 2, 3].map(() => limiter.take('a', 'GET', '/instances'))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(limiter.take('a', 'GET', '/instances')).toEqual({
    seconds: 20,
    details: 'Only 3 GET request(s) can be made to * every MINUTE.',
  })
  clock.advance(19_000)
  expect(limiter.take('a', 'GET', '/instances')?.seconds).toBe(1)
  clock.advance(1_000)
  expect(limiter.take('a', 'GET', '/instances')).toBeUndefined()
})

test('tenants and verbs have limits of their own; PATCH counts as PUT', () => {
  const limiter = rateLimiter(settings, testClock())
  for (let count = 0; count < 3; count += 1) limiter.take('a', 'GET', '/x')
  expect(limiter.take('a', 'HEAD', '/x')).toBeDefined()
  expect(limiter.take('b', 'GET', '/x')).toBeUndefined()
  expect(limiter.take('a', 'PATCH', '/x')).toBeUndefined()
  expect(limiter.take('a', 'PUT', '/x')).toBeDefined()
})

test('POST below /mgmt has a limit besides that of POST', () => {
  const limiter = rateLimiter(settings, testClock())
  expect(limiter.take('a', 'POST', '/mgmt/instances')).toBeUndefined()
  expect(limiter.take('a', 'POST', '/mgmt/instances')).toBeUndefined()
  expect(limiter.take('a', 'POST', '/mgmt/instances')?.details).toContain('*/mgmt')
  expect(limiter.take('a', 'POST', '/instances')).toBeUndefined()
})

test('a limit of 0 is none, and is not shown', () => {
  const limiter = rateLimiter(
    testSettings({ httpPostRate: 9, httpPutRate: 9, httpDeleteRate: 9, httpMgmtPostRate: 9 }),
    testClock(),
  )
  for (let count = 0; count < 1000; count += 1) expect(limiter.take('a', 'GET', '/x')).toBeUndefined()
  expect(limiter.view('a').map((limit) => limit.verb)).toEqual(['POST', 'PUT', 'DELETE', 'POST'])
})

test('the view says what is left and when the next may come', () => {
  const clock = testClock()
  const limiter = rateLimiter(settings, clock)
  for (let count = 0; count < 4; count += 1) limiter.take('a', 'GET', '/x')
  const get = limiter.view('a').find((limit) => limit.verb === 'GET')
  const nextAvailable = `${new Date(clock.now().getTime() + 20_000).toISOString().slice(0, 19)}Z`
  expect(get).toEqual({
    verb: 'GET',
    uri: '*',
    regex: '.*',
    value: 3,
    remaining: 0,
    unit: 'MINUTE',
    nextAvailable,
  })
})
