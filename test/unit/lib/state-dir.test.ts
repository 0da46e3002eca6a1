import { expect, test } from 'vitest'
import { stateDirectory } from '../../../lib/state-dir.ts'

test.each([
  [{ COFFER_STATE_DIR: '/srv/coffer', HOME: '/root' }, 0, '/srv/coffer'],
  [{ COFFER_STATE_DIR: '' }, 0, '/var/lib/coffer'],
  [{ HOME: '/root' }, 0, '/var/lib/coffer'],
  [{ HOME: '/home/ann' }, 1000, '/home/ann/.local/state/coffer'],
  [{ HOME: '/home/ann', XDG_STATE_HOME: '/home/ann/state' }, 1000, '/home/ann/state/coffer'],
  [{ HOME: '/home/ann', XDG_STATE_HOME: 'state' }, 1000, '/home/ann/.local/state/coffer'],
])('%j of user %d keeps its state in %s', (env, uid, directory) => {
  expect(stateDirectory(env, uid)).toBe(directory)
})

test('a relative COFFER_STATE_DIR counts from the working directory', () => {
  expect(stateDirectory({ COFFER_STATE_DIR: 'state' })).toBe(`${process.cwd()}/state`)
})
