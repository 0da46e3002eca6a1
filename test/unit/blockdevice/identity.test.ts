import { expect, test } from 'vitest'
import { identitiesFrom } from '../../../builder/blockdevice/identity.ts'

test('the same seed gives the same thing the same UUID, other seeds and things others', () => {
  const of = identitiesFrom('seed')
  expect(of('filesystem mkfs_root')).toBe(identitiesFrom('seed')('filesystem mkfs_root'))
  const all = [of('disk image0'), of('filesystem mkfs_root'), identitiesFrom('other')('disk image0')]
  expect(new Set(all).size).toBe(3)
})

test('they are UUIDs of version 8', () => {
  for (let number = 0; number < 50; number++) {
    expect(identitiesFrom('seed')(`thing ${number}`)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
  }
})
