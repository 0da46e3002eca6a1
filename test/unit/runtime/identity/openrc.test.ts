import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../../../lib/exec.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { refreshOpenrc, writeOpenrc } from '../../../../runtime/identity/openrc.ts'

const place = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-openrc-'))
  onTestFinished(() => removeTree(directory))
  return join(directory, 'openrc')
}
const values = {
  authUrl: 'http://127.0.0.1:5000/v3',
  region: 'RegionOne',
  user: 'admin',
  password: `quo'te $HOME`,
  project: 'admin',
}

test('a shell that reads the openrc has the variables, whatever is in the password', async () => {
  const file = await place()
  await writeOpenrc(file, values)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const { stdout } = await run(['sh', '-c', '. "$0" && env', file], { env: { PATH: process.env.PATH } })
  expect(
    stdout
      .split('\n')
      .filter((line) => line.startsWith('OS_'))
      .sort(),
  ).toEqual([
    'OS_AUTH_URL=http://127.0.0.1:5000/v3',
    'OS_IDENTITY_API_VERSION=3',
    `OS_PASSWORD=quo'te $HOME`,
    'OS_PROJECT_DOMAIN_ID=default',
    'OS_PROJECT_NAME=admin',
    'OS_REGION_NAME=RegionOne',
    'OS_TENANT_NAME=admin',
    'OS_USERNAME=admin',
    'OS_USER_DOMAIN_ID=default',
  ])
})

test('a new address reaches an openrc; what its owner changed stays', async () => {
  const file = await place()
  await writeOpenrc(file, values)
  await writeFile(file, (await readFile(file, 'utf8')).replace('OS_USERNAME=admin', 'OS_USERNAME=bob'))
  expect(await refreshOpenrc(file, 'http://10.0.0.1:5001/v3', 'Region$2')).toBe(true)
  const text = await readFile(file, 'utf8')
  expect(text).toContain('export OS_AUTH_URL=http://10.0.0.1:5001/v3\n')
  expect(text).toContain("export OS_REGION_NAME='Region$2'\n")
  expect(text).toContain('export OS_USERNAME=bob\n')
})

test('an openrc that is gone is not made again without its password', async () => {
  expect(await refreshOpenrc(await place(), 'http://127.0.0.1:5000/v3', 'RegionOne')).toBe(false)
})
