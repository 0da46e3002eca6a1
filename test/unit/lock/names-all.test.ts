import { expect, test } from 'vitest'
import { namesAll } from '../../../builder/lock/names-all.ts'
import type { Recorded } from '../../../builder/lock/recorded.ts'
import { example } from './example.ts'

const [download, source] = [example.downloads[0], example.sources[0]]
const file = { kind: 'file', url: download?.url ?? '', sha256: download?.sha256 ?? '', size: 3 } as const
const commit = {
  kind: 'source',
  name: 'app',
  location: 'l',
  ref: 'x',
  revision: source?.revision ?? '',
} as const
const system = { kind: 'system', distribution: 'debian', release: 'bookworm' } as const

test('a step that took what a lock names stands in a build from it', () => {
  const digest = example.packages[0]?.sha256 ?? ''
  const served = [
    { url: 'http://other.example/x.deb', status: 200, digest, size: 1 },
    { url: 'http://other.example/Release', status: 404 },
  ]
  expect(namesAll(example, { served, recorded: [file, commit, system] })).toBe(true)
})

test.each<[string, Recorded]>([
  ['another file', { ...file, sha256: '9'.repeat(64) }],
  ['the same file from elsewhere', { ...file, url: 'https://else.example/key.asc' }],
  ['another commit', { ...commit, revision: '9'.repeat(40) }],
  ['another source', { ...commit, name: 'other' }],
  ['another release', { ...system, release: 'sid' }],
])('a step that took %s does not', (_, one) => {
  expect(namesAll(example, { served: [], recorded: [one] })).toBe(false)
})

test('a step that took another package does not', () => {
  const served = [{ url: 'http://mirror.example/x.deb', status: 200, digest: '9'.repeat(64), size: 1 }]
  expect(namesAll(example, { served, recorded: [] })).toBe(false)
})
