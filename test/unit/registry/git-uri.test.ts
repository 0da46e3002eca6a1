import { expect, test } from 'vitest'
import { gitUri } from '../../../registry/images/git-uri.ts'

test.each([
  ['https://git.example.org/app.git', 'git+https://git.example.org/app.git'],
  ['https://me:secret@git.example.org/app.git?token=1', 'git+https://git.example.org/app.git'],
  ['/srv/git/my app', 'git+file:///srv/git/my%20app'],
  ['git@example.org:team/app.git', 'git+ssh://git@example.org/team/app.git'],
])('%s is %s', (location, uri) => {
  expect(gitUri(location)).toBe(uri)
})
