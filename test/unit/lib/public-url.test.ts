import { expect, test } from 'vitest'
import { publicUrl } from '../../../lib/public-url.ts'

test.each([
  ['https://ann:secret@example.org:8443/a/b.deb?token=1#x', 'https://example.org:8443/a/b.deb'],
  ['https://token@example.org/a', 'https://example.org/a'],
  ['git+ssh://git:pw@example.org/r.git', 'git+ssh://example.org/r.git'],
  ['/srv/packages/x.deb', '/srv/packages/x.deb'],
  ['not a url //ann:secret@host/x', 'not a url //host/x'],
])('%s may be shown as %s', (address, shown) => {
  expect(publicUrl(address)).toBe(shown)
})
