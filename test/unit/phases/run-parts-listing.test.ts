import { expect, test } from 'vitest'
import { listEnvironmentFiles, listScripts } from '../../../phases/run-parts-listing.ts'
import { makeTree } from './element-tree.ts'

const SCRIPT = '#!/bin/bash\n'

test('executable files with a good name run; links are followed; directories are not entered', async () => {
  const root = await makeTree({
    'install.d/10-a': SCRIPT,
    'install.d/9-z': SCRIPT,
    'install.d/no-shebang': { text: 'echo hello\n', mode: 0o755 },
    'install.d/50-link': { link: 'app-source-install/50-app' },
    'install.d/app-source-install/50-app': SCRIPT,
    'install.d/60-dangling': { link: 'nowhere' },
    'install.d/70-loop': { link: '70-loop' },
    'install.d/80-to-directory': { link: 'app-source-install' },
    'install.d/50-x.sh': SCRIPT,
    'install.d/10-a.bak': SCRIPT,
    'install.d/.hidden': SCRIPT,
    'install.d/package-installs-app': 'curl\n',
    'install.d/30-forgotten': { text: SCRIPT, mode: 0o644 },
    'install.d/app.conf': 'x=1\n',
  })
  expect(await listScripts(`${root}/install.d`)).toEqual({
    run: ['no-shebang', '9-z', '10-a', '50-link'],
    notExecutable: ['30-forgotten', 'app.conf', 'package-installs-app'],
    notConforming: ['.hidden', '10-a.bak', '50-x.sh'],
  })
})

test('RUN_PARTS_REGEX decides which names run', async () => {
  const root = await makeTree({ 'a.d/50-x.sh': SCRIPT, 'a.d/60-y': SCRIPT })
  expect(await listScripts(`${root}/a.d`, { regex: '[.]sh$' })).toMatchObject({
    run: ['50-x.sh'],
    notConforming: ['60-y'],
  })
})

test('environment files need no executable bit and may have dots', async () => {
  const root = await makeTree({
    'environment.d/9-c': 'true\n',
    'environment.d/100-a.bash': 'true\n',
    'environment.d/11-b.bash~': 'true\n',
    'environment.d/20-link': { link: '9-c' },
    'environment.d/30-directory/file': '',
  })
  expect(await listEnvironmentFiles(`${root}/environment.d`)).toEqual(['100-a.bash', '20-link', '9-c'])
})

test('without environment.d there are no environment files, and no error', async () => {
  expect(await listEnvironmentFiles('/nonexistent/environment.d')).toEqual([])
})

test('a phase directory that is not there is an error', async () => {
  await expect(listScripts('/nonexistent/install.d')).rejects.toMatchObject({ code: 'ENOENT' })
})
