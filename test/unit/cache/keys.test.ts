import { expect, test } from 'vitest'
import { keyOf, preKeyOf } from '../../../builder/cache/keys.ts'
import type { Served } from '../../../builder/packages/pins.ts'
import { sha256 } from '../../../lib/hash.ts'
import { stepOf } from './samples.ts'

const start = sha256('start')

const file = (path: string, content: string): Served => ({
  url: `http://mirror.example/${path}`,
  digest: sha256(content),
  status: 200,
})

test('a step is told apart by what came before it, its place and what it is made from', () => {
  const step = stepOf()
  const keys = [
    preKeyOf(start, step),
    preKeyOf(sha256('another start'), step),
    preKeyOf(start, { ...step, phase: 'post-install.d' }),
    preKeyOf(start, { ...step, name: '20-a' }),
    preKeyOf(start, { ...step, inputs: { script: 'two' } }),
    preKeyOf(start, { ...step, inputs: { script: 'one', mode: '755' } }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
  expect(preKeyOf(start, { ...step })).toBe(keys[0])
})

test('which packages and which state of the repositories a step got decides its result, not their order', () => {
  const preKey = preKeyOf(start, stepOf())
  const served = [file('pool/a_1.deb', 'a 1'), file('pool/b_1.deb', 'b 1'), file('dists/x/InRelease', 'r 1')]
  const key = keyOf(preKey, served)
  expect(keyOf(preKey, served.toReversed())).toBe(key)
  expect(keyOf(preKey, [file('pool/a_2.deb', 'a 2'), ...served.slice(1)])).not.toBe(key)
  expect(keyOf(preKey, [...served.slice(0, 2), file('dists/x/InRelease', 'r 2')])).not.toBe(key)
})

test('indexes by hash, files that were not there and twice the same file decide nothing', () => {
  const preKey = preKeyOf(start, stepOf())
  const served = [file('pool/a_1.deb', 'a 1')]
  const more: Served[] = [
    ...served,
    ...served,
    file('dists/x/by-hash/SHA256/00', 'index'),
    { url: 'http://mirror.example/dists/x/InRelease', status: 404 },
  ]
  expect(keyOf(preKey, more)).toBe(keyOf(preKey, served))
})

test('the result of a step that must not be cached is like no other', () => {
  const preKey = preKeyOf(start, stepOf())
  expect(keyOf(preKey, [], 'one run')).not.toBe(keyOf(preKey, [], 'another run'))
})
